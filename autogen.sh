#!/bin/sh
# SPDX-License-Identifier: ISC
# Makes ./configure from configure.ac; needs autoconf, automake and libtool.
cd "$(dirname "$0")" && mkdir -p m4 build-aux && exec autoreconf -fi
