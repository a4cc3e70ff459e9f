#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# git daemon: clones and a push of 10 MB; a process for each connection.
# packages: git
. "$(dirname "$0")/lib.sh"
needs git

export HOME=$work GIT_CONFIG_NOSYSTEM=1
git config --global user.name test
git config --global user.email test@tcpd.invalid
git config --global init.defaultBranch main
git config --global --add safe.directory '*'
{
	git init -q source
	random_file source/file 10M
	git -C source add file
	git -C source commit -q -m 'a file'
	git clone -q --bare source base/repo.git
} 2>/dev/null

start()
{
	server 9418 git daemon --reuseaddr --listen="$any" --port=9418 \
	    --export-all --enable=receive-pack --base-path="$work/base" \
	    "$work/base"
}

work()
{
	rm -rf copy
	does "clone $1" client git clone -q "git://$server_host/repo.git" copy
	echo "$RANDOM$1" >>copy/file
	git -C copy commit -q -a -m more
	does "push" client git -C copy push -q origin HEAD:main
	does "it is whole" git -C base/repo.git fsck --strict
	equal "$where: the same commit" \
	    "$(git -C base/repo.git rev-parse main)" \
	    "$(git -C copy rev-parse HEAD)"
}

up
both_sides git ls-remote -q "git://$kernel_host/repo.git"
finish 15
