#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# nbdkit, qemu-img: a disc of 64 MB written, compared and read over several connections.
# packages: nbdkit qemu-utils
. "$(dirname "$0")/lib.sh"
needs nbdkit qemu-utils=qemu-img

random_file disc 64M

start()
{
	[ -e store ] || truncate -s 64M store
	server 10809 nbdkit -f -i "$any" -p 10809 file "$work/store"
}

work()
{
	local uri="nbd://$server_host:10809"
	does "64 MB there $1" client qemu-img convert -n -f raw -O raw disc \
	    "$uri"
	same "equal" store disc
	does "compared over the network" client qemu-img compare -f raw \
	    -F raw disc "$uri"
	does "and back" client qemu-img convert -f raw -O raw "$uri" back
	same "equal" back disc
}

up
both_sides qemu-img info "nbd://$kernel_host:10809"
finish 8
