/* SPDX-License-Identifier: ISC */
/*
 * Descriptors out of another network namespace.  A socket, /dev/net/tun and
 * /proc/sys/net belong to the namespace of whoever opens them, and stay
 * useful outside it; so opening is all that has to happen inside.
 */
#ifndef DEV_NETNS_H
#define DEV_NETNS_H

#include <stddef.h>

/* What to open: path with open(2) flags or, without a path, a socket. */
struct netns_open {
	const char *path;
	int flags; /* open(2) flags */
	int domain, type, protocol;
	int (*make)(void *arg); /* in the place of both, if not NULL */
	void *arg;
};

/*
 * Opens inside netns: a name under /run/netns, a path when it holds a slash,
 * this process's own when NULL or empty.  Close-on-exec is added.  Returns the
 * descriptor or a negative errno, with one line in err: cause and cure.
 */
int netns_open(
    const char *netns, const struct netns_open *what, char *err, size_t errlen);

#endif
