#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Rust: std::net, an echo to 20 threads, connect_timeout, read timeouts, cloned streams; and the same linked statically.
# packages: rustc
. "$(dirname "$0")/lib.sh"
needs rustc

random_file big 2M
rustc -O -o echo "$programs/rust.rs" 2>rustc.log ||
    skip_all "$(tail -n 1 rustc.log)"

start()
{
	server 7000 ./echo serve "$any"
}

work()
{
	does "20 threads $1" client ./echo get "$server" big
}

up
both_sides ./echo get "$kernel" big
# The same without the C library's shared object: tcpd-run traps its calls.
if rustc -O -C target-feature=+crt-static -C relocation-model=static \
    -o echo "$programs/rust.rs" 2>rustc.log && [ "$LAB_DEVICE" != kernel ]; then
	on run
	start && work "to a static one"
	stop server
	on peer
	start && work "from a static one"
	stop server
fi
finish 50
