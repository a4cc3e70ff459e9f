#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Java 17: HttpServer, HttpClient, a selector, an asynchronous channel; close() in another thread's read().
# packages: default-jdk-headless
. "$(dirname "$0")/lib.sh"
needs default-jdk-headless=javac

random_file big 2M
javac -d . "$programs/Web.java" || skip_all "javac does not compile"

start()
{
	server 8001 java -cp "$work" Web serve "$any" "$work/big"
}

work()
{
	does "every way $1" client timeout 60 java -cp "$work" Web get \
	    "$server" "$work/big"
}

up
both_sides java -cp "$work" Web get $kernel "$work/big"
finish 100
