#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Perl: a forking server by IO::Socket, select() over ten connections, LWP.
# packages: perl libwww-perl
. "$(dirname "$0")/lib.sh"
needs perl libwww-perl=lwp-request

random_file big 2M
cat >serve.pl <<'END'
use strict;
use warnings;
use IO::Socket::IP;
$SIG{CHLD} = 'IGNORE';
open(my $f, '<:raw', 'big') or die;
my $big = do { local $/; <$f> };
my $l = IO::Socket::IP->new(LocalHost => $ARGV[0], LocalPort => 8000,
    Listen => 50, ReuseAddr => 1) or die "listen: $@";
while (my $s = $l->accept) {
	my $pid = fork // die;
	next if $pid;
	while (my $line = <$s>) {
		last if $line =~ /^\r?\n?$/;
	}
	print $s "HTTP/1.0 200 OK\r\nContent-Length: ", length $big,
	    "\r\n\r\n", $big;
	$s->flush;
	exit;
}
END
cat >get.pl <<'END'
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use LWP::UserAgent;
my ($host, $in) = @ARGV;
open(my $f, '<:raw', 'big') or die;
my $big = do { local $/; <$f> };
my $select = IO::Select->new;
my %got;
for (1 .. 10) {
	my $s = IO::Socket::IP->new(PeerHost => $host, PeerPort => 8000,
	    Blocking => 0) or die "connect: $@";
	until ($s->connect) {
		die "connect: $!" unless $!{EINPROGRESS} || $!{EALREADY};
		IO::Select->new($s)->can_write;
	}
	$s->syswrite("GET / HTTP/1.0\r\n\r\n");
	$select->add($s);
	$got{$s} = '';
}
while ($select->count) {
	for my $s ($select->can_read) {
		next if $s->sysread($got{$s}, 65536, length $got{$s});
		die "read: $!" unless $got{$s} =~ /\r\n\r\n\Q$big\E\z/s;
		$select->remove($s);
	}
}
my $r = LWP::UserAgent->new(timeout => 20)->get("http://$in:8000/");
die $r->status_line unless $r->is_success && $r->content eq $big;
END

start()
{
	server 8000 perl serve.pl "$any"
}

work()
{
	does "ten connections and LWP $1" client timeout 60 perl get.pl \
	    "$server" "$server_host"
}

up
both_sides perl get.pl $kernel "$kernel_host"
finish 40
