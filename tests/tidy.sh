#!/bin/sh
# SPDX-License-Identifier: ISC
#
# tidy.sh: the rules of style and layering that a program can check.  Run by
# `make check`; by hand in a build tree: make check TESTS=tests/tidy.sh
#
#   layers   base <- wire <- tcp, udp, ip <- stack; dev and ipc on base.  What a
#            folder includes, and what its library leaves undefined.
#   pure     wire tcp udp ip stack: no system calls, clocks, stdio, rand;
#            calloc and free only in the files listed in may_allocate().
#   headers  each one compiles alone.
#   names    nothing in the top directory that looks like an option.
#   files    licence line, no notes of unfinished work, functions of 80 lines
#            at most, the format of .clang-format, no sleeps in tests.
#
# With file names as arguments (the commit hook) only "files" is checked, of
# those.  Needs: top_srcdir, top_builddir, CC, NM, HEADER_CPPFLAGS from make.
export LC_ALL=C
src=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=${top_builddir:-$src/build}
: "${CC:=cc}" "${NM:=nm}" "${CLANG_FORMAT:=clang-format}"
# Another version formats otherwise.
format_version=14
tmp=$(mktemp -d "${TMPDIR:-/tmp}/tidy.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$src" || exit 99
: >"$tmp/found"

# Each rule prints its findings, "file:line: what", and report() counts them.
report()
{
	sort -u | tee -a "$tmp/found"
}

may_include()
{
	case $1 in
	base) echo 'base/' ;;
	wire) echo 'base/|wire/' ;;
	tcp) echo 'base/|wire/|tcp/' ;;
	udp) echo 'base/|wire/|udp/' ;;
	ip) echo 'base/|wire/|ip/' ;;
	stack) echo 'base/|wire/|ip/|stack/|tcp/tcp\.h|udp/udp\.h' ;;
	dev) echo 'base/|dev/|config\.h' ;;
	ipc) echo 'base/|ipc/|tcpd/|tcp/tcp\.h|config\.h' ;;
	esac
}

may_link()
{
	case $1 in
	wire) echo base ;;
	tcp | udp | ip) echo base wire ;;
	stack) echo base wire tcp udp ip ;;
	esac
}

# The files where objects are made and freed, none of them per packet.
may_allocate()
{
	case $1 in
	tcp/layer.c | tcp/timewait.c | tcp/rest.c | udp/layer.c) return 0 ;;
	ip/neigh.c | stack/stack.c) return 0 ;;
	esac
	return 1
}

std='errno|float|inttypes|limits|stdalign|stdarg|stdbool|stddef|stdint'
std="($std|stdlib|string)\\.h|sys/(queue|tree)\\.h"

check_includes()
{
	for layer in base wire tcp udp ip stack dev ipc; do
		case $layer in
		base) sys='.*' ;;
		dev | ipc) sys='.*' ;;
		*) sys=$std ;;
		esac
		own=$(may_include $layer)
		set -- daemon/$layer/*.[ch]
		[ -e "$1" ] || continue
		# A name without a slash is the folder's own.
		grep -nE '^[[:space:]]*#[[:space:]]*include' "$@" /dev/null |
		    grep -vE "<($sys)>|\"($own)|\"[a-z0-9_]+\\.(h|def)\"" |
		    sed "s/\$/	is not for $layer to include/"
	done
	grep -rnE '#[[:space:]]*include "tcp/' daemon libclient \
	    --include='*.[ch]' | grep -v '^daemon/tcp/' |
	    grep -v '"tcp/tcp\.h"' |
	    sed 's/$/	only tcp.h is for outsiders/'
	grep -rnE '#[[:space:]]*include "(proc|dev|stack|ip|wire)/' \
	    libclient --include='*.[ch]' |
	    sed 's/$/	libclient sees include, ipc and base only/'
}

check_headers()
{
	find daemon include libclient -name '*.h' | sort | while read -r h; do
		printf '#include "%s"\n' "$src/$h" >"$tmp/alone.c"
		# shellcheck disable=SC2086
		$CC -fsyntax-only -Wall -Wextra -Wno-unused-parameter \
		    -Wno-unused-function -I"$build" -Idaemon -Iinclude \
		    $HEADER_CPPFLAGS "$tmp/alone.c" >"$tmp/err" 2>&1 &&
		    [ ! -s "$tmp/err" ] && continue
		echo "$h:1: does not compile alone:" \
		    "$(grep -m1 -E 'error|warning' "$tmp/err")"
	done
}

archive()
{
	echo "$build/daemon/.libs/lib$1.a"
}

# Undefined symbols of each object, less what the layers below define, less
# the plain memory and string functions, less what compilers add.
check_symbols()
{
	plain='mem(cpy|set|move|cmp|chr)|str(len|nlen|cmp|ncmp|chr)'
	plain="$plain|strlcpy|explicit_bzero|__explicit_bzero_chk|__(mem|str)[a-z]+_chk|check_failed|abs"
	plain="$plain|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail"
	plain="$plain|__(asan|ubsan|lsan|sanitizer|sancov)_.*|__start___.*"
	plain="$plain|__stop___.*|__gcov_.*|__llvm_.*|llvm_.*"
	for layer in wire tcp udp ip stack; do
		ls daemon/$layer/*.c >/dev/null 2>&1 || continue
		lib=$(archive $layer)
		if [ ! -e "$lib" ]; then
			echo "daemon/$layer/local.mk:1: makes no" \
			    "daemon/lib$layer.la"
			continue
		fi
		for below in $layer $(may_link $layer); do
			[ ! -e "$(archive "$below")" ] ||
			    $NM -g --defined-only "$(archive "$below")"
		done 2>/dev/null | awk 'NF == 3 { print $3 }' |
		    sort -u >"$tmp/defined"
		$NM -A -u "$lib" 2>/dev/null |
		    sed -n 's/.*:\([^:]*\)\.o: *[UwV] \(.*\)$/\1.c \2/p' |
		    sed 's/^lib[a-z]*_la-//' |
		    grep -vE " ($plain)\$" |
		    awk 'NR == FNR { have[$1] = 1; next }
			!($2 in have)' "$tmp/defined" - |
		    while read -r file symbol; do
			case $symbol in
			tcp_*)
				[ -e "$(archive tcp)" ] || continue ;;
			malloc | calloc | free | aligned_alloc)
				may_allocate "$layer/$file" && continue ;;
			esac
			echo "daemon/$layer/$file:1: uses $symbol, which is" \
			    "not for $layer"
		done
	done
}

# What a program makes that takes its --help for the name of a directory.
check_names()
{
	find . -maxdepth 1 -name '-*' |
	    sed 's|$|:1: is no name for a file of the sources|'
}

# All sources, or the arguments that are such.
sources()
{
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@"
	else
		find daemon libclient include tests contrib man .ci -type f
		printf '%s\n' configure.ac Makefile.am autogen.sh
	fi 2>/dev/null | sort | while read -r f; do
		[ -f "$f" ] || continue
		case $f in
		*.c | *.h | *.def | *.mk | *.am | *.ac | *.sh | *.py | *.[1578])
			echo "$f" ;;
		*) case $(head -c 2 "$f" | tr -d '\0') in
			'#!') echo "$f" ;;
			esac ;;
		esac
	done
}

check_text()
{
	unfinished='TO''DO|FIX''ME|X''XX[^_A-Za-z]'
	while read -r f; do
		head -n 3 "$f" | grep -q 'SPDX-License-Identifier: ISC' ||
		    echo "$f:1: no line SPDX-License-Identifier: ISC"
		grep -nE "(^|[^A-Za-z_.])($unfinished)" "$f" |
		    grep -vE '(\.|/|-)X''XX' | sed "s|^|$f:|"
		grep -nE '[[:blank:]]+$' "$f" |
		    sed "s|^\([0-9]*\):.*|$f:\1: blanks at the end of a line|"
		case $f in
		tests/*.c)
			grep -nE '\<(u?sleep|nanosleep)\(' "$f" |
			    sed "s|^|$f:|; s|\$|	wait for a condition|" ;;
		esac
	done <"$tmp/sources"
}

check_functions()
{
	grep '\.c$' "$tmp/sources" | xargs -r awk '
		/^{/ { start = FNR }
		/^}/ {
			if (start && FNR - start - 1 > 80)
				printf "%s:%d: function of %d lines\n",
				    FILENAME, start, FNR - start - 1
			start = 0
		}'
}

check_format()
{
	grep '\.[ch]$' "$tmp/sources" | xargs -r \
	    "$CLANG_FORMAT" --style=file --dry-run 2>&1 |
	    sed -n 's/^\([^ :]*:[0-9]*\):[0-9]*: warning: .*/\1: format/p' |
	    sort -u -t: -k1,1 |
	    sed 's/: format$/: not as clang-format has it: clang-format -i/'
}

sources "$@" >"$tmp/sources"
if [ $# = 0 ]; then
	check_includes | report
	check_headers | report
	check_symbols | report
	check_names | report
fi
check_text | report
check_functions | report
case $("$CLANG_FORMAT" --version 2>/dev/null) in
*"version $format_version."*) check_format | report ;;
*) echo "tidy: the format is not checked: clang-format is not installed," \
	"or not version $format_version" ;;
esac
found=$(wc -l <"$tmp/found")
echo "tidy: $(wc -l <"$tmp/sources") files, $found findings"
[ "$found" = 0 ]
