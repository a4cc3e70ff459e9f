#!/bin/sh
# SPDX-License-Identifier: ISC
# Does tcpd-compat(7) say what the files of tests/programs say?
src=${top_srcdir:-$(dirname "$0")/../..}
if ! command -v python3 >/dev/null; then
	echo 'SKIP: no python3 here (apt install python3)'
	exit 77
fi
exec python3 "$src/tests/programs/compat.py" check "$src"
