/* SPDX-License-Identifier: ISC */
/*
 * What libtcpd-preload.so needs to have done in a program before its first
 * look-up of a host: a place for the service tcpd in the C library's switch
 * (nsswitch.conf(5)), and AI_ADDRCONFIG put into tcpd's terms.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "ipc/policy.h"
#include "lookup.h"
#include "wire.h"

#define SWITCH	   "/etc/nsswitch.conf"
#define OURS	   "tcpd [!UNAVAIL=return] "
#define SWITCH_MAX 512 /* a line */

int __nss_configure_lookup(const char *db, const char *line);

/*
 * "files dns" -> "files tcpd [!UNAVAIL=return] dns": the services of a line,
 * with ours before the first that uses the network.  False: there is none, or
 * no room.
 */
static bool
with_ours(const char *line, char *out, size_t room)
{
	static const char *const network[] = {"dns", "resolve"};
	const char *p = line;
	size_t i, n;

	for (;;) {
		p += strspn(p, " \t");
		n = *p == '[' ? strcspn(p, "]") : strcspn(p, " \t[\n#");
		if (n == 0)
			return false;
		for (i = 0; i < 2; i++)
			if (strlen(network[i]) == n &&
			    strncmp(p, network[i], n) == 0) {
				n = strcspn(p, "#\n");
				i = (size_t)snprintf(out, room, "%.*s%s%.*s",
				    (int)(p - line), line, OURS, (int)n, p);
				return i < room;
			}
		p += n + (*p == '[' && p[n] == ']');
	}
}

/* The line of the database hosts, or what the C library does without one. */
static void
hosts_line(char *line, size_t room)
{
	char buf[SWITCH_MAX];
	FILE *f = fopen(SWITCH, "re");
	const char *p;

	snprintf(line, room, "files dns");
	while (f != NULL && fgets(buf, sizeof buf, f) != NULL) {
		p = buf + strspn(buf, " \t");
		if (strncmp(p, "hosts", 5) != 0)
			continue;
		p += 5 + strspn(p + 5, " \t");
		if (*p == ':')
			snprintf(line, room, "%s", p + 1);
	}
	if (f != NULL)
		fclose(f);
}

void
lookup_switch(void)
{
	char line[SWITCH_MAX], services[SWITCH_MAX + sizeof OURS];
	int saved = errno;

	hosts_line(line, sizeof line);
	if (with_ours(line, services, sizeof services))
		__nss_configure_lookup("hosts", services);
	errno = saved;
}

/* ---- AI_ADDRCONFIG ---- */

static bool
numeric(const char *node)
{
	struct in6_addr a;

	return node == NULL || inet_pton(AF_INET, node, &a) == 1 ||
	       strchr(node, ':') != NULL;
}

int
lookup_hints(
    const char *node, const struct addrinfo **hints, struct addrinfo *changed)
{
	const struct addrinfo *h = *hints;
	const struct proto_policy *p;
	bool v4, v6;
	int err;

	if (h == NULL || !(h->ai_flags & AI_ADDRCONFIG) || numeric(node) ||
	    lookup_served() == -EOPNOTSUPP || (p = wire_policy(&err)) == NULL)
		return 0;
	v4 = policy_reaches(p, true);
	v6 = policy_reaches(p, false);
	if (!v4 && !v6)
		return 0; /* it is not tcpd that they come from */
	if ((h->ai_family == AF_INET && !v4) ||
	    (h->ai_family == AF_INET6 && !v6))
		return EAI_NONAME;
	*changed = *h;
	changed->ai_flags &= ~AI_ADDRCONFIG;
	if (h->ai_family == AF_UNSPEC && !(v4 && v6))
		changed->ai_family = v4 ? AF_INET : AF_INET6;
	*hints = changed;
	return 0;
}
