#!/bin/sh
# SPDX-License-Identifier: ISC
#
# script6.sh: the segment scripts once more, over IPv6.
LAB_FAMILY=6 exec tests/script/script
