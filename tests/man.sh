#!/bin/sh
# SPDX-License-Identifier: ISC
# The manual pages are good mdoc(7).
src=${top_srcdir:-$(dirname "$0")/..}
if ! command -v mandoc >/dev/null; then
	echo 'SKIP: no mandoc here (apt install mandoc)'
	exit 77
fi
exec mandoc -T lint -W warning "$src"/man/*.[1-9]
