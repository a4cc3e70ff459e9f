#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Programs that leave what they write in shared memory: all comes, in its order,
# by each way of writing and by each way out of it.
. "$(dirname "$0")/lib.sh"
need_tcpd
LAB_CONF='engine { ring = on }'
export LAB_CONF
# Sooner than it pays.
export TCPD_RING_AFTER=20000
up

ring()
{
	"$lab" run "$python" "$e2e/ring.py" "$@"
}

serves peer 9600 sink "$python" "$e2e/ring.py" sink 9600
for way in plain small gathered level edge forked executed spoken duplicate \
    stream passed file_sent threads killed; do
	was=$(stat_of engine.rings)
	check "$way" ring $way $kernel 9600
	check "$way: by a ring" [ "$(stat_of engine.rings)" -gt "$was" ]
done
check "most bytes are in it" [ "$(stat_of engine.ring_bytes)" -gt 40000000 ]
finish 14
