#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# exim4, swaks: a letter of 3 MB by SMTP, delivered and compared.
# packages: exim4-daemon-light swaks libio-socket-inet6-perl
. "$(dirname "$0")/lib.sh"
needs exim4-daemon-light=exim4 swaks \
    libio-socket-inet6-perl=/usr/share/perl5/IO/Socket/INET6.pm

# exim delivers into a folder.
cat >exim.conf <<END
primary_hostname = tcpd.test
spool_directory = $work/spool
log_file_path = $work/spool/log.%s
local_interfaces = <; $any
daemon_smtp_ports = 2525
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
message_size_limit = 50M
never_users =
acl_smtp_rcpt = accept
acl_smtp_data = accept
keep_environment =
exim_user = nobody
exim_group = nogroup
begin routers
all:
  driver = accept
  transport = file
begin transports
file:
  driver = appendfile
  directory = $work/box
  maildir_format
  user = nobody
  group = nogroup
  create_directory
END
mkdir -m 755 spool box
chown nobody:nogroup spool box
random_file big 2M

start()
{
	server 2525 exim4 -C "$work/exim.conf" -bdf -q10m
}

work()
{
	rm -rf box/new/*
	does "a letter $1" client timeout 60 swaks --silent 2 --server \
	    "$server" --port 2525 --from a@tcpd.test --to b@tcpd.test \
	    --attach @big --ehlo tcpd.test
	does "arrives" wait_for 20 eval 'ls box/new/* >arrived'
	"$python" -c 'import email, sys
m = email.message_from_binary_file(open(sys.argv[1], "rb"))
sys.stdout.buffer.write(m.get_payload()[1].get_payload(decode=True))' \
	    box/new/* >got
	same "equal" got big
}

up
both_sides
finish 4
