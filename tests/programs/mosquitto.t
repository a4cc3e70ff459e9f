#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# mosquitto: 2000 messages to three subscribers, one of 5 MB, and what is retained.
# packages: mosquitto mosquitto-clients
. "$(dirname "$0")/lib.sh"
needs mosquitto mosquitto-clients=mosquitto_pub

random_file big 5M
seq 2000 >lines

start()
{
	printf '%s\n' "listener 1883 $any" "allow_anonymous true" \
	    "max_queued_messages 0" "user nobody" >mosquitto.conf
	server 1883 mosquitto -c "$work/mosquitto.conf"
}

# Subscribers say on a topic of theirs that they are there: nothing else tells.
work()
{
	local i
	for i in 1 2 3; do
		spawn sub$i "$lab" "$other" stdbuf -oL mosquitto_sub \
		    -h "$server" -q 1 -t lines -C 2000 -d
		does "subscriber $i $1" wait_for 10 grep -q SUBACK sub$i.log
	done
	does "2000 messages" eval 'client mosquitto_pub -h "$server" -q 1 \
	    -t lines -l <lines'
	for i in 1 2 3; do
		finish_of 20 sub$i
		grep -xE '[0-9]+' sub$i.log >got
		same "subscriber $i has them all" got lines
	done
	does "5 MB are retained" client mosquitto_pub -h "$server" -q 2 -r \
	    -t big -f big
	client mosquitto_sub -h "$server" -t big -C 1 -N >got
	same "equal" got big
}

reload()
{
	kill -HUP "${pid_of[server]}"
}

up
both_sides mosquitto_pub -h $kernel -t x -m x
finish 20
