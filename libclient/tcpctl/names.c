/* SPDX-License-Identifier: ISC */
/*
 * How things are written: see names.h.  What comes from the daemon may be of
 * another build, so numbers out of range are shown as such.
 */
#include "config.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "names.h"
#include "tcpd/proto.h"

const char *
state_text(uint8_t state)
{
	static const char *const names[] = {"UNKNOWN", "ESTAB", "SYN-SENT",
	    "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN",
	    "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING"};

	return state < sizeof names / sizeof names[0] ? names[state] : names[0];
}

const char *
addr_text(const uint8_t addr[16], char buf[ADDR_MAX])
{
	struct ipaddr ip;

	memcpy(ip.b, addr, sizeof ip.b);
	if (ipaddr_is_v4(&ip))
		inet_ntop(AF_INET, addr + 12, buf, ADDR_MAX);
	else
		inet_ntop(AF_INET6, addr, buf, ADDR_MAX);
	return buf;
}

const char *
endpoint_text(const uint8_t addr[16], uint16_t port, char buf[ADDR_MAX])
{
	char a[ADDR_MAX], p[8] = "*";
	bool six;

	addr_text(addr, a);
	six = strchr(a, ':') != NULL;
	if (port != 0)
		snprintf(p, sizeof p, "%u", port);
	snprintf(buf, ADDR_MAX, six ? "[%.45s]:%s" : "%.45s:%s", a, p);
	return buf;
}

const char *
prefix_text(const uint8_t addr[16], uint8_t plen, char buf[ADDR_MAX])
{
	struct ipaddr ip;
	char a[ADDR_MAX];

	memcpy(ip.b, addr, sizeof ip.b);
	addr_text(addr, a);
	snprintf(buf, ADDR_MAX, "%.45s/%d", a,
	    ipaddr_is_v4(&ip) && plen >= 96 ? plen - 96 : plen);
	return buf;
}

const char *
user_text(uint32_t uid)
{
	static uint32_t last = UINT32_MAX;
	static char name[40] = "-";
	struct passwd *pw;

	if (uid == UINT32_MAX)
		return "-";
	if (uid == last)
		return name;
	last = uid;
	if ((pw = getpwuid(uid)) != NULL)
		snprintf(name, sizeof name, "%s", pw->pw_name);
	else
		snprintf(name, sizeof name, "%u", uid);
	return name;
}

const char *
process_text(uint32_t pid, uint32_t uid, char *buf, size_t len)
{
	char path[40];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%u/comm", pid);
	if ((f = fopen(path, "re")) != NULL) {
		if (fgets(buf, (int)len, f) == NULL)
			buf[0] = '\0';
		fclose(f);
		buf[strcspn(buf, "\n")] = '\0';
		for (char *c = buf; *c != '\0'; c++)
			if (*c < ' ' || *c > '~' || *c == '"')
				*c = '?';
		if (buf[0] != '\0')
			return buf;
	}
	return user_text(uid);
}

const char *
why_word(uint16_t why)
{
	static const char *const words[] = {
	    [PROTO_WHY_LOOPBACK] = "loopback",
	    [PROTO_WHY_ROUTE] = "route",
	    [PROTO_WHY_ADDRESS] = "address",
	    [PROTO_WHY_WILDCARD] = "wildcard",
	    [PROTO_WHY_CONF] = "rule",
	    [PROTO_WHY_DEFAULT] = "default",
	    [PROTO_WHY_MULTICAST] = "multicast",
	};

	if (why >= sizeof words / sizeof words[0] || words[why] == NULL)
		return "unknown";
	return words[why];
}
