# SPDX-License-Identifier: ISC
dist_noinst_SCRIPTS += contrib/selftest contrib/lab
EXTRA_DIST += contrib/setup.sh .ci/run
EXTRA_DIST += contrib/hooks/pre-commit
