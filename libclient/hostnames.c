/* SPDX-License-Identifier: ISC */
/*
 * The C library's look-ups of hosts, whose sockets are made inside of it, where
 * no library can be in between.  So its own switch (nsswitch.conf(5)) is set:
 * before the services that use the network comes ours, libnss_tcpd.so.2
 * (nss.c), which asks the daemon.  All else is the C library's: the order of
 * services, files, caches, the sorting of addresses.
 *
 * The functions here only see to it before the first look-up.  What that takes
 * is in the same library, for it allocates; it is loaded by then.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "lookup.h"
#include "real.h"

#define EXPORT	   __attribute__((visibility("default")))
#define MODULE	   "libnss_tcpd.so.2"
#define MODULE_MAX 4096

static const struct lookup_calls *calls;

/* It is beside this library; the C library finds it by its name then. */
static void
load_module(void)
{
	char path[MODULE_MAX];
	const char *slash;
	void *module;
	Dl_info info;
	int n, saved = errno;

	if (dladdr(&real, &info) == 0 || info.dli_fname == NULL)
		return;
	slash = strrchr(info.dli_fname, '/');
	n = snprintf(path, sizeof path, "%.*s" MODULE,
	    slash != NULL ? (int)(slash + 1 - info.dli_fname) : 0,
	    info.dli_fname);
	if (n < (int)sizeof path && (module = dlopen(path, RTLD_NOW)) != NULL &&
	    (calls = dlsym(module, LOOKUP_CALLS)) != NULL)
		calls->prepare();
	errno = saved;
}

const struct lookup_calls *
hostnames(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load_module);
	return calls;
}

/* The C library's own function of this name, once in *slot. */
static void *
own(const char *name, void **slot)
{
	void *f = __atomic_load_n(slot, __ATOMIC_RELAXED);

	if (f == NULL) {
		f = dlsym(RTLD_NEXT, name);
		__atomic_store_n(slot, f, __ATOMIC_RELAXED);
	}
	hostnames();
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

EXPORT int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **res)
{
	struct addrinfo changed;
	int err = 0;

	if (node != NULL && hostnames() != NULL)
		err = calls->hints(node, &hints, &changed);
	if (err != 0)
		return err;
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
