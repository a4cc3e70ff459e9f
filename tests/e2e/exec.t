#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# What programs under the library start, where LD_PRELOAD does not reach it: a
# static program by each way of executing one, as it is started without tcpd but
# for whose TCP it has; the errors; what cannot be served says so.
. "$(dirname "$0")/lib.sh"
need_tcpd
starter=$top_builddir/tests/e2e/starter
started=$top_builddir/tests/e2e/started
[ -x "$started" ] || skip_all "no static C library to link tests/e2e/started with"
up
cp "$started" "$work/started"
cd "$work" || exit 1
export STARTED="a variable"

# It tells each where it comes from.
serves peer 9400 whence socat TCP4-LISTEN:9400,fork,reuseaddr \
    'SYSTEM:echo $SOCAT_PEERADDR'

# report SIDE NAME WAY [FILE]: what a program says of itself that is started
# that way; the processes' numbers compared with what the starter says.
report()
{
	local side=$1 out=$work/out way=$3 file=${4:-$work/started}
	rm -f "$out"
	"$lab" "$side" "$starter" "$way" "$file" "$out" $kernel 9400 exit \
	    >"$out.starter" 2>"$out.err"
	[ "$(grep ^process "$out")" = "$(grep ^process "$out.starter")" ] ||
	    echo "another process" >>"$out"
	{
		grep -v ^process "$out"
		grep ^ended "$out.starter"
		cat "$out.err"
	} >"$work/$2.plain"
}

same_as_kernel()
{
	report peer kernel "$@"
	report run tcpd "$@"
	sed -i "s/^peer: $tcpd$/peer: $kernel/; t; s/^peer: /peer elsewhere: /" \
	    tcpd.plain
	diff kernel.plain tcpd.plain
}

for way in execve execv execvp execvpe execl execle execlp execveat \
    execveat_in fexecve posix_spawn posix_spawnp syscall syscall_at \
    through_fd vexecve vexecvp vexecl -execve; do
	check "$way" same_as_kernel "$way"
done

printf '#!%s\n' "$work/started" >script
chmod +x script
check "the interpreter of a script" same_as_kernel execve "$work/script"
check "by a descriptor, too" same_as_kernel execve "$work/script"

# whose CMD...: where the peer sees it come from
whose()
{
	rm -f out
	run "$@" >whose.err 2>&1
	sed -n 's/^peer: //p' out
}

equal "of timeout" "$(whose timeout 5 ./started out $kernel 9400)" $tcpd
equal "of a shell" "$(whose sh -c './started out $0 9400; true' $kernel)" $tcpd
equal "of system()" "$(whose "$python" -c 'import os, sys
os.system("./started out %s 9400" % sys.argv[1])' $kernel)" $tcpd
equal "of a pipe" "$(whose "$python" -c 'import os, sys
os.popen("./started out %s 9400; true" % sys.argv[1]).close()' $kernel)" $tcpd
equal "by PATH" "$(PATH=/nowhere:.:$PATH whose env started out $kernel 9400)" \
    $tcpd
printf 'all:\n\t./started out %s 9400\n' $kernel >Makefile
if command -v make >/dev/null; then
	equal "of make" "$(whose make)" $tcpd
else
	skip "of make" "not installed"
fi
if busybox true 2>/dev/null; then
	equal "of a trapped shell, and of one program below" "$(whose sh -c \
	    'busybox sh -c "env ./started out $0 9400; true"; true' \
	    $kernel)" $tcpd
	equal "which have no library" "$(run sh -c \
	    'busybox env; true' | grep -c LD_PRELOAD)" 0
else
	skip "of a trapped shell" "no busybox"
fi
equal "in a tree that is trapped already" "$(whose --trap "$top_builddir/tcpd-run" sh -c \
    './started out $0 9400; true' $kernel)" $tcpd
equal "the library gone from the environment: the kernel's" \
    "$(whose env -u LD_PRELOAD ./started out $kernel 9400)" $kernel
equal "how it dies" "$(run sh -c './started out $0 9400 die; echo $?' $kernel \
    2>/dev/null)" "$(peer sh -c './started out $0 9400 die; echo $?' $kernel \
    2>/dev/null)"
equal "2,000 arguments" "$(run env sh -c \
    './started out $(seq 2000); sed -n "s/.*, \(.*\) arguments.*/\1/p" out \
    | tail -n 1')" 2002

# ---- errors ----

mkdir dir
echo 'exit 0' >text
cp started plain
cp started busy
cp started big
: >empty
printf '#!/nowhere/there\n' >lost
head -c 64 started >header
head -c 40 header >cut
{ head -c 56 header; printf '\0\0'; tail -c +59 header; } >headless
{ head -c 18 header; printf '\377\1'; tail -c +21 header; } >foreign
{ head -c 16 header; printf '\1\0'; tail -c +19 header; } >object
ln -s loop loop
mkfifo fifo
chmod 644 plain
chmod 755 text empty lost cut headless foreign object fifo
exec {writer}>>busy
errors()
{
	local name=$1 side=$2
	shift 2
	"$lab" "$side" "$@" "$starter" errors ./missing ./dir ./text ./plain \
	    ./busy ./big ./empty ./lost ./cut ./headless ./foreign ./object \
	    ./loop ./fifo ./started/x missing "" \
	    "$work/missing" "$work/busy" 2>"$name.err" </dev/null |
	    grep -E '^v?(exec|posix|sys|through)' >"$name"
}
errors of.kernel peer
errors of.tcpd run
check "$(wc -l <of.kernel) errors are the kernel's" diff of.kernel of.tcpd
matches "and are errors" "$(grep -c started of.tcpd) $(sort -u of.tcpd |
    wc -l)" '^[0-9]{1,2} [0-9]{3}$'
equal "nothing else is said" \
    "$(grep -a warning: of.tcpd.err | grep -v 'another class')" ""
matches "but of a foreign program" "$(grep -a warning: of.tcpd.err)" \
    'warning: \./foreign is of another class or machine; its sockets are the k'
exec {writer}>&-

# ---- what cannot be served ----

equal "--no-bypass: no socket" "$(whose --no-bypass sh -c \
    './started out $0 9400; true' $kernel)" "Permission denied"
matches "and why" "$(cat whose.err)" \
    'warning: \./started must be trapped .*--no-bypass; it has no socket of IP$'
matches "nor has a foreign one" "$(run --no-bypass "$starter" errors ./foreign \
    2>&1 </dev/null | grep -a warning:)" \
    'warning: \./foreign is of another class or machine; it has no socket of IP$'
equal "with --trap: served" "$(whose --no-bypass --trap sh -c \
    './started out $0 9400; true' $kernel)" $tcpd
equal "but not to a peer" "$(run --no-bypass "$python" -c 'import os, socket
a, b = socket.socketpair()
os.dup2(a.fileno(), 2)
os.spawnl(os.P_WAIT, "./started", "started", "out", "127.0.0.1", "9")
os.close(2)
a.close()
print(b.recv(100))' 2>&1)" "b''"
if [ "$UID" = 0 ]; then
	chmod 777 .
	cp "$(command -v env)" setuid
	chmod 4755 setuid
	nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
	# shellcheck disable=SC2086
	equal "set-user-ID: with its privilege" "$(whose $nobody sh -c \
	    './setuid ./started out $0 9400; id -u; true' $kernel
	    sed -n '/^[0-9]/p' whose.err)" "$kernel
65534"
	matches "and a word" "$(cat whose.err)" \
	    'warning: \./setuid is set-user-ID .*are the kernel.s$'
	cp started secret
	chmod 711 secret
	# shellcheck disable=SC2086
	equal "not to be read" "$(whose $nobody sh -c \
	    './secret out $0 9400; true' $kernel)" $kernel
	matches "and a word" "$(cat whose.err)" \
	    'warning: \./secret may be executed and not read.*are the kernel.s$'
fi

finish 28
