#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# svnserve, hg serve: a repository with 5 MB made, cloned and changed over the network.
# packages: subversion mercurial
. "$(dirname "$0")/lib.sh"
needs subversion=svnserve mercurial=hg

random_file big 5M
export HOME=$work HGUSER=tester
svnadmin create store
printf '%s\n' "[general]" "anon-access = write" >store/conf/svnserve.conf
hg init hgstore
printf '%s\n' "[web]" "allow_push = *" "push_ssl = False" >hgstore/.hg/hgrc

start()
{
	if [ "$what" = svn ]; then
		server 3690 svnserve -d --foreground -r "$work" \
		    --listen-host "$any" --listen-port 3690
	else
		local six=
		[ "$family" = 6 ] && six=-6
		server 8000 hg -R hgstore serve $six -a "$any" -p 8000
	fi
}

svn_work()
{
	rm -rf co
	does "svn: checked out $1" client svn -q co \
	    "svn://$server_host/store" co
	cp big "co/$revision"
	svn -q add "co/$revision"
	does "5 MB committed" client svn -q ci -m "$1" co
	does "and read" eval 'client svn cat \
	    "svn://$server_host/store/$revision" >got'
	same "equal" got big
}

hg_work()
{
	rm -rf co
	does "hg: cloned $1" client hg -q clone "http://$server_host:8000/" co
	cp big "co/$revision"
	hg -q -R co ci -A -m "$1"
	does "5 MB pushed" client hg -q -R co push
	does "they are there" eval \
	    'hg -R hgstore cat -r tip "hgstore/$revision" >got'
	same "equal" got big
}

revision=0
work()
{
	revision=$((revision + 1))
	"${what}_work" "$1"
}

up
what=svn
both_sides svn ls "svn://$kernel_host/store"
what=hg
both_sides hg id "http://$kernel_host:8000/"
finish 10
