# SPDX-License-Identifier: ISC
# RFC 9293 against our tests: conformance.py says how.  tcpd-conformance(7) is
# committed, because a tree without Criterion could not make it, and names
# functions instead of lines, so that it changes only when a tag does; check.sh
# holds it against the tags.
EXTRA_DIST += tests/conformance/conformance.py \
	tests/conformance/rfc9293.tsv tests/conformance/page.head \
	tests/conformance/page.tail
dist_check_SCRIPTS += tests/conformance/check.sh \
	tests/conformance/apps.t tests/conformance/self.t
TESTS += tests/conformance/check.sh tests/conformance/apps.t tests/conformance/self.t

# Runs the tagged tests, writes conformance.tsv here and the page there.
conformance: all
	$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS)
	python3 $(srcdir)/tests/conformance/conformance.py run \
	    $(srcdir) $(builddir)
.PHONY: conformance
