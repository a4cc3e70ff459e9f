#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# vsftpd, lftp, curl: 20 MB up and down, active and passive, EPRT and EPSV; a listing of 200 files.
# packages: vsftpd lftp curl
# open: vsftpd needs tcpd-run --trap: its sessions change their root. lftp uses no IPv6 where no interface of the kernel has it.
. "$(dirname "$0")/lib.sh"
needs vsftpd lftp curl
[ "$PROGRAM_WAY" != tcpd.6 ] ||
    skip_all "lftp uses no IPv6 where no interface of the kernel has it"

mkdir -p store/up empty
chmod 755 store
chmod 777 store/up
for i in $(seq 200); do
	echo "$i" >"store/$i"
done
random_file big 20M
export HOME=$work

# A session's own sockets are made in the root that it changed to, from where
# no file of tcpd is to be seen: its calls are trapped.
trapped()
{
	[ "$LAB_DEVICE" = kernel ] || {
		[ "$side" = peer ] && [ "$LAB_PEER" = kernel ]
	} || echo --trap
}

start()
{
	local listen="listen=YES"
	[ "$family" = 4 ] || listen="listen=NO
listen_ipv6=YES"
	cat >vsftpd.conf <<-END
	$listen
	listen_port=2121
	background=NO
	anonymous_enable=YES
	anon_root=$work/store
	write_enable=YES
	anon_upload_enable=YES
	anon_other_write_enable=YES
	anon_umask=022
	connect_from_port_20=YES
	ftp_data_port=2020
	secure_chroot_dir=$work/empty
	local_enable=NO
	xferlog_enable=NO
	END
	# shellcheck disable=SC2046
	server 2121 $(trapped) vsftpd "$work/vsftpd.conf"
}

lftp_does()
{
	client timeout 60 lftp -c "set net:max-retries 1; set net:timeout 15;
	    set ftp:passive-mode $1; set ftp:use-feat yes;
	    set xfer:clobber on; open ftp://$server_host:2121; $2"
}

work()
{
	local mode
	rm -f store/up/*
	for mode in on off; do
		does "up, passive $mode, $1" lftp_does $mode \
		    "put big -o up/big.$mode"
		does "down" lftp_does $mode "get up/big.$mode -o got"
		same "equal" got big
	done
	does "a listing" eval \
	    '[ "$(lftp_does on "cls -1" | wc -l)" = 201 ]'
	does "curl, active" client curl -sSf -P - -o got \
	    "ftp://$server_host:2121/up/big.on"
	same "equal" got big
}

up
both_sides curl -sSf -l "ftp://$kernel_host:2121/"
finish 30
