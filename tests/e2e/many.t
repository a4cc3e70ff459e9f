#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# 1,000 connections open at once, 64 KiB echoed and compared on each.
families="4 6"
. "$(dirname "$0")/lib.sh"

up
serves peer 9000 load-kernel "$load" -p 9000 serve $any
serves run 9001 load-tcpd "$load" -p 9001 serve $any
check "1,000 at once from tcpd" \
    run "$load" -p 9000 -c 1000 -s 65536 many $kernel
check "1,000 at once to tcpd" \
    peer "$load" -p 9001 -c 1000 -s 65536 many $tcpd
check "connect, request, close: 2 s from tcpd, 8 at once" \
    run "$load" -p 9000 -c 8 -t 2 crr $kernel
note "$(cat "$work/check.out")"
check "connect, request, close: 2 s to tcpd, 8 at once" \
    peer "$load" -p 9001 -c 8 -t 2 crr $tcpd
note "$(cat "$work/check.out")"
finish 3000
