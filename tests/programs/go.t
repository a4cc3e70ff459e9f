#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Go's net/http (no C library): a server, and a client with eight requests at once. Its system calls are trapped.
# packages: golang-go curl
. "$(dirname "$0")/lib.sh"
needs golang-go=go curl

mkdir www
random_file www/big 20M
export CGO_ENABLED=0 GOCACHE=$work/cache GOFLAGS=-mod=mod GO111MODULE=off
go build -o web "$e2e/web.go" >go.log 2>&1 || {
	not_ok "web.go is built"
	sed 's/^/# /' go.log
}

start()
{
	server 8000 "$work/web" serve "$any_host:8000" "$work/www"
}

work()
{
	matches "$where: 20 MB 16 times $1" "$(client "$work/web" get \
	    "http://$server_host:8000/big" 16 2>&1)" "$(sum_of www/big)"
	does "curl" client curl -sSf -o got "http://$server_host:8000/big"
	same "equal" got www/big
}

up
both_sides
start
quota 0
[ "$LAB_DEVICE" = kernel ] || matches "$where: at a quota of 0 it says so" \
    "$(client "$work/web" get "http://$server_host:8000/big" 1 2>&1)" \
    'too many open files'
quota none
work "after that"
stop server
finish 50
