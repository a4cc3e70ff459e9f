/* SPDX-License-Identifier: ISC */
/*
 * How things are written: see names.h.  What comes from the daemon may be of
 * another build, so numbers out of range are shown as such.
 */
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

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

static struct ipaddr
to_ipaddr(const uint8_t addr[16])
{
	struct ipaddr ip;

	memcpy(ip.b, addr, sizeof ip.b);
	return ip;
}

const char *
addr_text(const uint8_t addr[16], char buf[ADDRTEXT_MAX])
{
	struct ipaddr ip = to_ipaddr(addr);

	return addrtext(&ip, buf);
}

static char scope[16];

void
scope_name(const char ifname[16])
{
	snprintf(scope, sizeof scope, "%.15s", ifname);
}

const char *
endpoint_text(const uint8_t addr[16], uint16_t port, char buf[ADDRTEXT_MAX])
{
	struct ipaddr ip = to_ipaddr(addr);
	char text[ADDRTEXT_MAX];
	const char *number;

	addrtext_endpoint(&ip, port, buf);
	if (scope[0] == '\0' || ipaddr_is_v4(&ip) || !ipaddr_is_link_local(&ip))
		return buf;
	number = strrchr(addrtext_endpoint(&ip, port, text), ':');
	snprintf(buf + (number - text), ADDRTEXT_MAX - (size_t)(number - text),
	    "%%%s%s", scope, number);
	return buf;
}

const char *
prefix_text(const uint8_t addr[16], uint8_t plen, char buf[ADDRTEXT_MAX])
{
	struct ipaddr ip = to_ipaddr(addr);

	return addrtext_prefix(&ip, plen, buf);
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
