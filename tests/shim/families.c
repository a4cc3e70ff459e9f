/* SPDX-License-Identifier: ISC */
/*
 * What only sockets of AF_INET6 do: both families on one listener, v4-mapped
 * names, the options of IPPROTO_IPV6.
 */
#include "cases.h"

static int
listen_on(const char *what, int fam, const char *host, int port, int v6only)
{
	union name n = {.v6 = {.sin6_family = (sa_family_t)fam}};
	int fd = socket(fam, SOCK_STREAM, 0), r;

	if (v6only >= 0)
		set_opt(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
	n.port = htons((uint16_t)port);
	if (fam == AF_INET)
		inet_pton(AF_INET, host, &n.v4.sin_addr);
	else
		inet_pton(AF_INET6, host, &n.v6.sin6_addr);
	r = bind(fd, &n.sa, fam == AF_INET ? sizeof n.v4 : sizeof n.v6);
	if (r == 0)
		r = listen(fd, 5);
	result(what, r);
	if (r == 0) {
		bounded(fd);
		return fd;
	}
	close(fd);
	return -1;
}

/* The wildcards of the two families on one port. */
static void
beside_each_other(void)
{
	static const struct {
		const char *what;
		int fam;
		int v6only;
	} kinds[] = {{"0.0.0.0", AF_INET, -1}, {"::", AF_INET6, 0},
	    {":: alone", AF_INET6, 1}};
	int i, j, first, second;

	for (i = 0; i < 3; i++) {
		for (j = 0; j < 3; j++) {
			say("%s, then %s", kinds[i].what, kinds[j].what);
			first = listen_on("first", kinds[i].fam,
			    kinds[i].fam == AF_INET ? "0.0.0.0" : "::", 0,
			    kinds[i].v6only);
			second = listen_on("second", kinds[j].fam,
			    kinds[j].fam == AF_INET ? "0.0.0.0" : "::",
			    name_port(first), kinds[j].v6only);
			close(first);
			if (second >= 0)
				close(second);
		}
	}
}

/* Whom a listener on :: serves, and what it calls him. */
static void
whom(const char *what, int v6only)
{
	struct sockaddr_in6 sin6 = {0};
	socklen_t len = sizeof sin6;
	int fd = listen_on(what, AF_INET6, "::", 0, v6only), c;
	const char *said = peer("connect %d", name_port(fd));

	if (strncmp(said, "port", 4) != 0) {
		say("peer: %s", said);
		close(fd);
		return;
	}
	c = accept(fd, (struct sockaddr *)&sin6, &len);
	say_name("accepted", c < 0, (union name *)&sin6, len, false);
	say_sockname("its name", c);
	say_peername("its peer", c);
	say("domain %d", get_opt(c, SOL_SOCKET, SO_DOMAIN));
	say("v6only %d", get_opt(c, IPPROTO_IPV6, IPV6_V6ONLY));
	close(c);
	close(fd);
	peer("close");
}

static void
both_families(void)
{
	union name n;
	int fd;

	beside_each_other();
	if (family == AF_INET)
		return;
	whom("::", 0);
	whom(":: alone", 1);
	fd = stream(0);
	set_opt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	result("connect, v6only", dial(fd, PEER, peer_number("listen")));
	if (!mapped)
		peer("accept");
	close(fd);
	peer("close");
	fd = stream(0);
	set_opt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	n = addr(SUBJECT, 0);
	result("bind, v6only", bind(fd, &n.sa, name_len()));
	close(fd);
	fd = stream(0);
	n = addr(SUBJECT, 0);
	result("bind without scope", bind(fd, &n.sa, 24));
	result("v6only too late", set_opt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	say_sockname("getsockname", fd);
	close(fd);
	fd = stream(0);
	n.v6.sin6_addr = (struct in6_addr){.s6_addr = {0xff, 2, [15] = 1}};
	result("bind to a group", bind(fd, &n.sa, name_len()));
	result("a sockaddr too short", bind(fd, &n.sa, 23));
	close(fd);
}

static void
family_options(void)
{
	static const int names[] = {IPV6_V6ONLY, IPV6_UNICAST_HOPS, IPV6_TCLASS,
	    IPV6_RECVTCLASS, IPV6_RECVPKTINFO, IPV6_MTU_DISCOVER,
	    IPV6_AUTOFLOWLABEL, IPV6_ADDRFORM};
	int fd = stream(0), i, on = 1;

	for (i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
		say("option %d: %d", names[i],
		    get_opt(fd, IPPROTO_IPV6, names[i]));
	result("class", set_opt(fd, IPPROTO_IPV6, IPV6_TCLASS, 0x28));
	result("hops", set_opt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 33));
	result("tos", set_opt(fd, IPPROTO_IP, IP_TOS, 0x10));
	result("addrform", set_opt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET6));
	result("connect", dial(fd, PEER, peer_number("listen")));
	peer("accept");
	say("class %d hops %d tos %d domain %d",
	    get_opt(fd, IPPROTO_IPV6, IPV6_TCLASS),
	    get_opt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS),
	    get_opt(fd, IPPROTO_IP, IP_TOS),
	    get_opt(fd, SOL_SOCKET, SO_DOMAIN));
	say("mtu %d", get_opt(fd, IPPROTO_IPV6, IPV6_MTU));
	result("class", set_opt(fd, IPPROTO_IPV6, IPV6_TCLASS, 0x50));
	say("class %d", get_opt(fd, IPPROTO_IPV6, IPV6_TCLASS));
	result("late", setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, 4));
	say("peer: %s", peer("send 10"));
	say_read("read", fd);
	close(fd);
	peer("close");
}

/* IPV6_ADDRFORM, which is for a connection that speaks IPv4. */
static void
family_changed(void)
{
	int fd = stream(0);

	result("fresh", set_opt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET));
	result("connect", dial(fd, PEER, peer_number("listen")));
	peer("accept");
	result("changed", set_opt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET));
	say("domain %d", get_opt(fd, SOL_SOCKET, SO_DOMAIN));
	say_sockname("getsockname", fd);
	say_peername("getpeername", fd);
	say("v6only %d", get_opt(fd, IPPROTO_IPV6, IPV6_V6ONLY));
	say("ttl %d", get_opt(fd, IPPROTO_IP, IP_TTL));
	result("twice", set_opt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET));
	say("peer: %s", peer("send 10"));
	say_read("read", fd);
	say("wrote %zd", write(fd, "abc", 3));
	say("peer: %s", peer("read 3"));
	close(fd);
	fd = stream(0);
	result("v6only", set_opt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	result("connect", dial(fd, PEER, peer_number("listen")));
	result(
	    "not changed", set_opt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET));
	close(fd);
}

static const struct shim_case table[] = {
    CASE(both_families),
    CASE(family_options),
    CASE(family_changed),
};
const struct subject families_cases = SUBJECT("families", table);
