# shellcheck shell=bash
# shellcheck disable=SC2034  # who sources this uses them
# SPDX-License-Identifier: ISC
#
# What contrib/quickstart and contrib/selftest share: which Debian packages
# tcpd needs, how they are installed, and how a tree is built.  Sourced, never
# run.  It trusts nothing about the machine but a Debian (12 or later) with
# apt-get: packages that are there already are left alone, and then no
# privilege is needed.

# To build and to run.
PACKAGES_BUILD="autoconf automake libtool make gcc libc6-dev pkg-config
	libevent-dev libbsd-dev libconfuse-dev libjansson-dev libmnl-dev
	nettle-dev libseccomp-dev libc-ares-dev"
# Namespaces, devices and the programs that quickstart runs.
PACKAGES_LAB="iproute2 util-linux procps curl nginx-light python3"
# Unit tests and the programs of tests/e2e.
PACKAGES_TEST="libcriterion-dev wget redis-server redis-tools iperf3 socat
	netcat-openbsd bird2 dnsmasq-base liblwip-dev iputils-ping ethtool jq git mandoc
	xz-utils clang clang-format valgrind openssl busybox-static
	libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4"
# What `make bench' also measures, compares with and draws with; each is skipped
# where it is missing.
PACKAGES_BENCH="wrk passt slirp4netns gnuplot-nox"

# nginx and the like live there, and a plain user's PATH lacks it.
PATH=$PATH:/usr/sbin:/sbin

say()
{
	printf '\n=== %s\n' "$*"
}

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

missing_packages()
{
	local package
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" \
		    2>/dev/null | grep -qx installed || echo "$package"
	done
}

# Debian starts a service as soon as its package is there; a test machine
# wants nginx and redis as programs only.  invoke-rc.d asks this file.
hold_services()
{
	[ -e /usr/sbin/policy-rc.d ] && return 1
	printf '#!/bin/sh\nexit 101\n' |
	    $SUDO sh -c 'cat >/usr/sbin/policy-rc.d &&
		chmod 755 /usr/sbin/policy-rc.d'
}

# install_packages NAME...: by apt-get, as root or by sudo.
install_packages()
{
	local want held=no status=0
	want=$(missing_packages "$@" | tr '\n' ' ')
	if [ -z "${want// /}" ]; then
		echo "all packages are installed"
		return 0
	fi
	command -v apt-get >/dev/null ||
	    die "no apt-get here: install what these Debian packages hold," \
	        "then run it again: $want"
	SUDO=
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null ||
		    die "these packages are missing and only root can install" \
		        "them: $want"
		SUDO="sudo"
	fi
	echo "apt-get install (no recommended packages," \
	    "no service is started): $want"
	hold_services && held=yes
	# shellcheck disable=SC2086
	{
		$SUDO apt-get -q update &&
		$SUDO env DEBIAN_FRONTEND=noninteractive \
		    apt-get -q install -y --no-install-recommends $want
	} </dev/null >"$LOGS/apt.log" 2>&1 || status=$?
	[ "$held" = yes ] && $SUDO rm -f /usr/sbin/policy-rc.d
	if [ "$status" != 0 ]; then
		tail -n 20 "$LOGS/apt.log" >&2
		die "apt-get failed; the whole log is $LOGS/apt.log"
	fi
}

# build_tree NAME SRC BUILD CONFIGURE-ARGS...: autogen, configure, make.
build_tree()
{
	local name=$1 src=$2 build=$3 log=$LOGS/build-$1.log
	shift 3
	mkdir -p "$build"
	if ! {
		{ [ -x "$src/configure" ] || "$src/autogen.sh"; } &&
		(cd "$build" && "$src/configure" -q "$@") &&
		make -C "$build" -j"$(nproc)"
	} </dev/null >"$log" 2>&1; then
		grep -n -m 10 -E 'error|Error|cannot' "$log" >&2
		tail -n 10 "$log" >&2
		echo "building '$name' failed; the whole log is $log" >&2
		return 1
	fi
}
