/* SPDX-License-Identifier: ISC */
/* Addresses as text; see addrtext.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/addrtext.h"

const char *
addrtext(const struct ipaddr *a, char buf[ADDRTEXT_MAX])
{
	if (ipaddr_is_v4(a))
		inet_ntop(AF_INET, a->b + 12, buf, ADDRTEXT_MAX);
	else
		inet_ntop(AF_INET6, a->b, buf, ADDRTEXT_MAX);
	return buf;
}

const char *
addrtext_prefix(const struct ipaddr *a, uint8_t plen, char buf[ADDRTEXT_MAX])
{
	char text[ADDRTEXT_MAX];
	bool v4 = ipaddr_is_v4(a) && plen >= 96;

	if (v4)
		addrtext(a, text);
	else
		inet_ntop(AF_INET6, a->b, text, sizeof text);
	snprintf(buf, ADDRTEXT_MAX, "%.45s/%d", text, v4 ? plen - 96 : plen);
	return buf;
}

const char *
addrtext_endpoint(const struct ipaddr *a, uint16_t port, char buf[ADDRTEXT_MAX])
{
	char text[ADDRTEXT_MAX], p[8] = "*";

	addrtext(a, text);
	if (port != 0)
		snprintf(p, sizeof p, "%u", port);
	snprintf(buf, ADDRTEXT_MAX, ipaddr_is_v4(a) ? "%.45s:%s" : "[%.45s]:%s",
	    text, p);
	return buf;
}

/* The first n characters of s. */
static bool
parse_part(const char *s, size_t n, struct ipaddr *a)
{
	char buf[INET6_ADDRSTRLEN];
	struct in_addr in;

	if (n >= sizeof buf)
		return false;
	memcpy(buf, s, n);
	buf[n] = '\0';
	if (inet_pton(AF_INET, buf, &in) != 1)
		return inet_pton(AF_INET6, buf, a->b) == 1;
	*a = ipaddr_v4(ntohl(in.s_addr));
	return true;
}

bool
addrtext_parse(const char *s, struct ipaddr *a)
{
	return parse_part(s, strlen(s), a);
}

/* Digits and nothing else, at most max. */
static bool
parse_number(const char *s, unsigned long max, unsigned long *n)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	*n = strtoul(s, &end, 10);
	return *end == '\0' && *n <= max;
}

bool
addrtext_parse_prefix(const char *s, struct ipaddr *a, uint8_t *plen)
{
	size_t n = strcspn(s, "/");
	bool dots = memchr(s, ':', n) == NULL;
	unsigned long bits = dots ? 32 : 128;

	if (!parse_part(s, n, a) ||
	    (s[n] == '/' && !parse_number(s + n + 1, bits, &bits)))
		return false;
	*plen = (uint8_t)(dots ? 96 + bits : bits);
	return true;
}

bool
addrtext_parse_endpoint(const char *s, struct ipaddr *a, uint16_t *port)
{
	const char *end = s + strlen(s), *colon = strchr(s, ':');
	unsigned long n = 0;

	if (*s == '[') {
		end = strchr(++s, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (colon != NULL && strchr(colon + 1, ':') != NULL) {
		colon = NULL; /* IPv6 without a port */
	} else if (colon != NULL) {
		end = colon;
	}
	if (colon != NULL && !parse_number(colon + 1, 65535, &n))
		return false;
	*port = (uint16_t)n;
	return parse_part(s, (size_t)(end - s), a);
}
