# SPDX-License-Identifier: ISC
# Real programs, make check-programs: tests/programs/lib.sh says how.  Not part
# of make check: it takes packages that nothing else here needs, and its time.
# tcpd-compat(7) is made from the files' heads and is committed; compat.sh holds
# it against them.
PROGRAM_FILES = tests/programs/apache2.t tests/programs/busybox.t \
	tests/programs/curl.t tests/programs/go.t \
	tests/programs/git.t tests/programs/inetd.t tests/programs/iperf3.t \
	tests/programs/lighttpd.t tests/programs/memcached.t \
	tests/programs/nc.t tests/programs/ncat.t tests/programs/nginx.t \
	tests/programs/node.t tests/programs/openssl.t \
	tests/programs/python.t tests/programs/redis.t \
	tests/programs/reload.t \
	tests/programs/socat.t tests/programs/squid.t tests/programs/sshd.t \
	tests/programs/stunnel.t tests/programs/telnetd.t \
	tests/programs/wget.t tests/programs/wrk.t
PROGRAM_FILES += tests/programs/aria2.t tests/programs/beanstalkd.t \
	tests/programs/dns.t tests/programs/erlang.t tests/programs/exim4.t \
	tests/programs/ftp.t tests/programs/gdbserver.t tests/programs/grpc.t \
	tests/programs/haproxy.t tests/programs/java.t tests/programs/mariadb.t \
	tests/programs/mosquitto.t tests/programs/nbd.t tests/programs/nghttp2.t \
	tests/programs/perl.t tests/programs/php.t tests/programs/postgresql.t \
	tests/programs/pyloops.t tests/programs/rsync.t tests/programs/ruby.t \
	tests/programs/rust.t tests/programs/versions.t tests/programs/zeromq.t
EXTRA_DIST += tests/programs/Web.java tests/programs/pyloops.py \
	tests/programs/rust.rs
EXTRA_DIST += $(PROGRAM_FILES) tests/programs/lib.sh tests/programs/run \
	tests/programs/hold.py tests/programs/echo.py tests/programs/oob.py \
	tests/programs/memcached.py tests/programs/web.js \
	tests/programs/cpython tests/programs/cpython.py \
	tests/programs/python.differences \
	tests/programs/compat.py tests/programs/page.head \
	tests/programs/page.tail
dist_check_SCRIPTS += tests/programs/compat.sh
TESTS += tests/programs/compat.sh

# ONLY='nginx redis': these only.  PROGRAMS itself is automake's word.
check-programs: all
	$(AM_TESTS_ENVIRONMENT) PROGRAMS='$(ONLY)' $(top_srcdir)/tests/programs/run
# Ten minutes of reloads, of which check-programs makes twenty seconds.
check-reload: all
	$(AM_TESTS_ENVIRONMENT) RELOAD_SECONDS=$${RELOAD_SECONDS:-600} \
	    bash $(top_srcdir)/tests/programs/reload.t
# CPython's own tests of the network, with and without tcpd.
check-python: all
	$(AM_TESTS_ENVIRONMENT) $(top_srcdir)/tests/programs/cpython
compat:
	python3 $(srcdir)/tests/programs/compat.py write $(srcdir)
.PHONY: check-programs check-python check-reload compat
