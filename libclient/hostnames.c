/* SPDX-License-Identifier: ISC */
/*
 * The C library's look-ups of hosts, whose sockets are made inside of it, where
 * no library can be in between.  So its own switch (nsswitch.conf(5)) is set:
 * before the services that use the network comes ours, libnss_tcpd.so.2
 * (nss.c), which asks the daemon.  All else is the C library's: the order of
 * services, files, caches, the sorting of addresses.
 *
 * The functions here only see to it before the first look-up, and that
 * AI_ADDRCONFIG means the families that tcpd has, not the kernel's interfaces.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "ipc/policy.h"
#include "lookup.h"
#include "real.h"
#include "wire.h"

#define EXPORT	   __attribute__((visibility("default")))
#define SWITCH	   "/etc/nsswitch.conf"
#define MODULE	   "libnss_tcpd.so.2"
#define OURS	   "tcpd [!UNAVAIL=return] "
#define SWITCH_MAX 512 /* a line */
#define MODULE_MAX 4096

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

/* Our module, which is beside this library; the C library then finds it by its
 * name. */
static bool
load_module(void)
{
	char path[MODULE_MAX];
	const char *slash;
	Dl_info info;
	int n;

	if (dladdr(&real, &info) == 0 || info.dli_fname == NULL)
		return false;
	slash = strrchr(info.dli_fname, '/');
	n = snprintf(path, sizeof path, "%.*s" MODULE,
	    slash != NULL ? (int)(slash + 1 - info.dli_fname) : 0,
	    info.dli_fname);
	return n < (int)sizeof path && dlopen(path, RTLD_NOW) != NULL;
}

static void
configure(void)
{
	char line[SWITCH_MAX], services[SWITCH_MAX + sizeof OURS];
	int saved = errno;

	hosts_line(line, sizeof line);
	if (with_ours(line, services, sizeof services) && load_module())
		__nss_configure_lookup("hosts", services);
	errno = saved;
}

/* The C library's own function of this name, once in *slot. */
static void *
own(const char *name, void **slot)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	void *f = __atomic_load_n(slot, __ATOMIC_RELAXED);

	if (f == NULL) {
		f = dlsym(RTLD_NEXT, name);
		__atomic_store_n(slot, f, __ATOMIC_RELAXED);
	}
	pthread_once(&once, configure);
	return f;
}

/* A call of it; what dlsym() gives becomes a function as POSIX has it. */
#define OWN(name, ...)                                                         \
	({                                                                     \
		static void *slot;                                             \
		void *found = own(#name, &slot);                               \
		__typeof__(&name) f;                                           \
		memcpy(&f, &found, sizeof f);                                  \
		f(__VA_ARGS__);                                                \
	})

/* ---- AI_ADDRCONFIG ---- */

static bool
numeric(const char *node)
{
	struct in6_addr a;

	return node == NULL || inet_pton(AF_INET, node, &a) == 1 ||
	       strchr(node, ':') != NULL;
}

/* What the caller meant by AI_ADDRCONFIG, in a copy of his hints. */
static const struct addrinfo *
families(
    const char *node, const struct addrinfo *hints, struct addrinfo *changed)
{
	const struct proto_policy *p;
	bool v4, v6;
	int err;

	if (hints == NULL || !(hints->ai_flags & AI_ADDRCONFIG) ||
	    numeric(node) || (p = wire_policy(&err)) == NULL)
		return hints;
	v4 = policy_reaches(p, true);
	v6 = policy_reaches(p, false);
	if (!v4 && !v6)
		return hints; /* it is not tcpd that they come from */
	*changed = *hints;
	changed->ai_flags &= ~AI_ADDRCONFIG;
	if (hints->ai_family == AF_UNSPEC && !(v4 && v6))
		changed->ai_family = v4 ? AF_INET : AF_INET6;
	return changed;
}

EXPORT int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **res)
{
	struct addrinfo changed;

	if (node != NULL && lookup_served() != -EOPNOTSUPP)
		hints = families(node, hints, &changed);
	return OWN(getaddrinfo, node, service, hints, res);
}

/* ---- the others ---- */

EXPORT int
getaddrinfo_a(int mode, struct gaicb *list[], int n, struct sigevent *sevp)
{
	return OWN(getaddrinfo_a, mode, list, n, sevp);
}

EXPORT int
getnameinfo(const struct sockaddr *sa, socklen_t len, char *host,
    socklen_t hostlen, char *serv, socklen_t servlen, int flags)
{
	return OWN(getnameinfo, sa, len, host, hostlen, serv, servlen, flags);
}

EXPORT struct hostent *
gethostbyname(const char *name)
{
	return OWN(gethostbyname, name);
}

EXPORT struct hostent *
gethostbyname2(const char *name, int af)
{
	return OWN(gethostbyname2, name, af);
}

EXPORT struct hostent *
gethostbyaddr(const void *addr, socklen_t len, int af)
{
	return OWN(gethostbyaddr, addr, len, af);
}

EXPORT int
gethostbyname_r(const char *name, struct hostent *h, char *buf, size_t len,
    struct hostent **res, int *herr)
{
	return OWN(gethostbyname_r, name, h, buf, len, res, herr);
}

EXPORT int
gethostbyname2_r(const char *name, int af, struct hostent *h, char *buf,
    size_t len, struct hostent **res, int *herr)
{
	return OWN(gethostbyname2_r, name, af, h, buf, len, res, herr);
}

EXPORT int
gethostbyaddr_r(const void *addr, socklen_t alen, int af, struct hostent *h,
    char *buf, size_t len, struct hostent **res, int *herr)
{
	return OWN(gethostbyaddr_r, addr, alen, af, h, buf, len, res, herr);
}
