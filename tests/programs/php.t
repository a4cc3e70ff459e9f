#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# PHP: its own web server, streams, stream_select() over ten connections.
# packages: php-cli curl
. "$(dirname "$0")/lib.sh"
needs php-cli=php curl

random_file big 2M
echo '<?php readfile("big");' >index.php
cat >get.php <<'END'
<?php
$in = $argv[1];
$big = file_get_contents('big');
if (file_get_contents("http://$in:8000/") !== $big)
	exit("not equal\n");
$open = $got = [];
for ($i = 0; $i < 10; $i++) {
	$s = stream_socket_client("tcp://$in:8000", $errno, $error, 10,
	    STREAM_CLIENT_CONNECT | STREAM_CLIENT_ASYNC_CONNECT);
	if (!$s)
		exit("connect: $error\n");
	$r = $e = null;
	$w = [$s];
	stream_select($r, $w, $e, 10);
	fwrite($s, "GET / HTTP/1.0\r\n\r\n");
	stream_set_blocking($s, false);
	$open[$i] = $s;
	$got[$i] = '';
}
while ($open) {
	$r = $open;
	$w = $e = null;
	if (!stream_select($r, $w, $e, 20))
		exit("nothing comes\n");
	foreach ($r as $i => $s) {
		$got[$i] .= fread($s, 65536);
		if (!feof($s))
			continue;
		if (substr($got[$i], -strlen($big)) !== $big)
			exit("stream $i: not equal\n");
		unset($open[$i]);
	}
}
if (@stream_socket_client("tcp://$in:8001", $errno, $error, 10) ||
    $errno !== 111)
	exit("not refused: $errno\n");
echo "equal\n";
END

start()
{
	server 8000 php -S "$any_host:8000"
}

work()
{
	does "streams $1" eval \
	    'client timeout 60 php get.php "$server_host" | tee said
	    grep -qx equal said'
	does "curl" client curl -sSf -o got "http://$server_host:8000/"
	same "equal" got big
}

up
both_sides curl -sSf -o /dev/null "http://$kernel_host:8000/"
finish 50
