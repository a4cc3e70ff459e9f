# SPDX-License-Identifier: ISC
dist_noinst_SCRIPTS += contrib/lab contrib/quickstart contrib/selftest
EXTRA_DIST += contrib/setup.sh .ci/run
EXTRA_DIST += contrib/hooks/pre-commit
dist_doc_DATA += contrib/tcpd.conf.example
