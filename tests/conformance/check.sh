#!/bin/sh
# SPDX-License-Identifier: ISC
# Do tests, sources and tcpd-conformance(7) agree on RFC 9293?  Nothing is run
# for it; `make conformance` is the long form.
src=${top_srcdir:-$(dirname "$0")/../..}
if ! command -v python3 >/dev/null; then
	echo 'SKIP: no python3 here (apt install python3)'
	exit 77
fi
exec python3 "$src/tests/conformance/conformance.py" check "$src"
