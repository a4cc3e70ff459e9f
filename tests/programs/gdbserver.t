#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# gdb, gdbserver: a program is run to a breakpoint over the network, 1 MB of its memory read.
# packages: gdb gdbserver gcc
. "$(dirname "$0")/lib.sh"
needs gdb gdbserver gcc

printf '%s\n' '#include <string.h>' 'static char memory[1 << 20];' \
    'void here(void) {}' \
    'int main(void) { memset(memory, 7, sizeof(memory)); here(); }' >seven.c
gcc -g -O0 -o seven seven.c || skip_all "gcc does not compile"
head -c 1048576 /dev/zero | tr '\0' '\7' >want

session()
{
	server 3333 gdbserver --once "$server_host:3333" "$work/seven"
	does "a program is run $1" client timeout 60 gdb -nx -batch \
	    -iex 'set debuginfod enabled off' \
	    -ex "target remote $server_host:3333" -ex 'break here' \
	    -ex continue -ex 'dump binary memory got &memory (char *)&memory+sizeof(memory)' -ex kill seven
	same "its memory" got want
	stop server
}

up
on run
session "in tcpd"
on peer
session "from tcpd"
finish 2
