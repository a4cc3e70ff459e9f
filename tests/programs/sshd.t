#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# sshd, ssh, scp, sftp: 20 MB each way, by ten connections at once, a forwarded port; sshd executes itself anew for each.
# packages: openssh-server openssh-client
. "$(dirname "$0")/lib.sh"
needs openssh-server=sshd openssh-client=ssh openssh-client=scp

mkdir -p /run/sshd
random_file big 20M
for kind in host user; do
	ssh-keygen -q -t ed25519 -N '' -f "$kind"
done
cp user.pub authorized
cat >sshd_config <<END
HostKey $work/host
AuthorizedKeysFile $work/authorized
PidFile $work/sshd.pid
StrictModes no
UsePAM no
PermitRootLogin yes
Subsystem sftp internal-sftp
END
cat >ssh_config <<END
IdentityFile $work/user
IdentitiesOnly yes
BatchMode yes
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
LogLevel ERROR
ConnectTimeout 20
END

start()
{
	server 2222 "$(command -v sshd)" -D -e -f "$work/sshd_config" -p 2222
}

ssh_to()
{
	client ssh -F "$work/ssh_config" -p 2222 "root@$server" "$@"
}

scp_to()
{
	client scp -q -F "$work/ssh_config" -P 2222 "$@"
}

# Ten at once, each with another answer.
ten()
{
	local i pids=
	for i in $(seq 10); do
		ssh_to "echo $i" >"ten.$i" &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086
	wait $pids
	cat $(seq -f 'ten.%g' 10) | diff - <(seq 10)
}

work()
{
	# The user's own shell may have something to say, too.
	equal "$where: a command $1" \
	    "$(ssh_to sha256sum <big 2>&1 | tail -n 1 | cut -d' ' -f1)" \
	    "$(sum_of big)"
	does "scp there" scp_to big "root@$server_host:$work/there"
	same "equal" there big
	does "scp back" scp_to "root@$server_host:$work/big" back
	same "equal" back big
	does "ten at once" ten
	matches "$where: sshd connects on, to itself" \
	    "$(client ssh -F "$work/ssh_config" -p 2222 -W \
	    "$server_host:2222" "root@$server" </dev/null 2>&1)" '^SSH-2.0'
}

reload()
{
	kill -HUP "${pid_of[server]}" && wait_for 10 ssh_to true
}

up
on run
lives
equal "$where: names that sshd gives its session" \
    "$(ssh_to 'set -- $SSH_CONNECTION; echo $1 $3 $4')" \
    "$kernel $tcpd 2222"
does "sftp" eval 'echo "get $work/big got" |
    client sftp -q -F ssh_config -P 2222 -b - "root@$server_host"'
same "equal" got big
stop server
on peer
start && work "to the peer" && quota_of_client ssh -F "$work/ssh_config" \
    -p 2222 "root@$server" true
client_killed ssh -F "$work/ssh_config" -p 2222 "root@$server" 'cat /dev/zero'
stop server
finish 50
