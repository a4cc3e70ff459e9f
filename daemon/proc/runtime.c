/* SPDX-License-Identifier: ISC */
/*
 * Directories, pid file, sockets and device: see runtime.h.
 *
 * The pid file is locked first, so that of two daemons with one configuration
 * the second stops before it touches anything.  A socket's path that is left
 * over from a daemon that died is recognised by nobody answering there; one
 * that somebody answers on is never taken away.
 *
 * Beside the client socket is the directory "bind", writable for all and
 * sticky as /tmp: the shim binds listeners there for the blink of an eye (it
 * passes the node's descriptor on and removes the node).
 */
#include "config.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <libutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/siphash.h"
#include "proc/log.h"
#include "proc/netcfg.h"
#include "proc/runtime.h"

#define CLIENT_BACKLOG	65535 /* the kernel clamps it to somaxconn */
#define CONTROL_BACKLOG 16

/* The directory of path, in buf. */
static const char *
dir_of(const char *path, char buf[CONF_PATH_MAX])
{
	snprintf(buf, CONF_PATH_MAX, "%s", path);
	return dirname(buf);
}

static bool
make_dir(const char *dir, mode_t mode)
{
	struct stat st;

	if (mkdir(dir, mode) == 0)
		return true;
	if (errno == EEXIST && stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	log_error("cannot make the directory %s: %s; make it, or choose "
		  "another path in the configuration",
	    dir, strerror(errno));
	return false;
}

/* DIR/bind, sticky and open to all; must be ours. */
static bool
make_bind_dir(const char *socket_path)
{
	char buf[CONF_PATH_MAX], path[CONF_PATH_MAX + 8];
	struct stat st;

	snprintf(path, sizeof path, "%s/bind", dir_of(socket_path, buf));
	if (mkdir(path, 0700) == -1 && errno != EEXIST) {
		log_error(
		    "cannot make the directory %s: %s", path, strerror(errno));
		return false;
	}
	if (lstat(path, &st) == -1 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != geteuid()) {
		log_error("%s is there and is not a directory of ours; remove "
			  "it",
		    path);
		return false;
	}
	if (chmod(path, 01777) == -1) {
		log_error(
		    "cannot open %s to all users: %s", path, strerror(errno));
		return false;
	}
	return true;
}

static bool
lock_pidfile(struct runtime *r, const char *path)
{
	pid_t other = -1;

	if ((r->pidfile = pidfile_open(path, 0644, &other)) != NULL)
		return true;
	if (errno == EEXIST)
		log_error("tcpd runs already, as process %d (pid file %s); "
			  "stop it, or give this one its own pidfile, socket "
			  "and control",
		    (int)other, path);
	else
		log_error("cannot make the pid file %s: %s; set pidfile to a "
			  "path that can be written",
		    path, strerror(errno));
	return false;
}

/* Removes a socket that nobody listens on; false when somebody does. */
static bool
clear_path(const struct sockaddr_un *sun, int type)
{
	struct stat st;
	int fd, rc, e;

	if (lstat(sun->sun_path, &st) == -1)
		return true;
	if (!S_ISSOCK(st.st_mode)) {
		log_error("%s is in the way and is not a socket; remove it",
		    sun->sun_path);
		return false;
	}
	if ((fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) == -1)
		return true; /* bind() will tell */
	rc = connect(fd, (const struct sockaddr *)sun, sizeof *sun);
	e = errno;
	close(fd);
	if (rc == 0 || e != ECONNREFUSED) {
		log_error("another process answers at %s; stop it, or choose "
			  "another path",
		    sun->sun_path);
		return false;
	}
	unlink(sun->sun_path);
	return true;
}

/* A listening socket; -1 when it cannot be made. */
static int
make_socket(const char *path, int type, mode_t mode, uint32_t gid, int backlog)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	mode_t old;
	int fd, rc;

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	if (!clear_path(&sun, type))
		return -1;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		log_error("cannot make a socket: %s", strerror(errno));
		return -1;
	}
	old = umask(0777);
	rc = bind(fd, (struct sockaddr *)&sun, sizeof sun);
	umask(old);
	if (rc == 0 && gid != UINT32_MAX)
		rc = chown(path, (uid_t)-1, gid);
	if (rc == 0)
		rc = chmod(path, mode);
	if (rc == 0)
		rc = listen(fd, backlog);
	if (rc == 0)
		return fd;
	log_error("cannot make the socket %s: %s; set it to a path that can "
		  "be written",
	    path, strerror(errno));
	close(fd);
	return -1;
}

/*
 * RFC 7217's secret key: made from the machine's id, which keys the hash and
 * cannot be had from it, the namespace's and the device's name.  So addresses
 * stay over restarts and say nothing of the machine elsewhere.  Without an id
 * it stays zero.
 */
static void
make_secret(struct runtime *r, const struct conf_device *d)
{
	struct siphash_key key;
	char id[33] = "", half[17] = "", label[256];
	uint64_t h;
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return;
	if (read(fd, id, 32) == 32 && strspn(id, "0123456789abcdef") == 32) {
		memcpy(half, id, 16);
		key.k0 = strtoull(half, NULL, 16);
		key.k1 = strtoull(id + 16, NULL, 16);
		for (uint8_t i = 0; i < 2; i++) {
			int n = snprintf(label, sizeof label,
			    "tcpd stable addresses %u %s/%s", i, d->netns,
			    d->name);

			h = siphash(&key, label, (size_t)n);
			memcpy(r->stable_secret + i * 8, &h, sizeof h);
		}
	}
	close(fd);
}

/* Link-local addresses are told apart by their interface. */
static bool
know_interface(struct runtime *r, const struct dev_open *o)
{
	struct link_facts facts;
	char err[256];

	if (netcfg_query(o->netns, o->name, &facts, err, sizeof err) != 0) {
		log_error("device %s: %s", o->name, err);
		return false;
	}
	r->ifindex = facts.ifindex;
	return true;
}

static bool
open_device(struct runtime *r, const struct conf_device *d)
{
	struct dev_open o = {.name = d->name,
	    .netns = d->netns[0] != '\0' ? d->netns : NULL,
	    .mtu = d->mtu,
	    .txqueuelen = d->txqueuelen,
	    .offload = d->offload,
	    .multi_queue = d->multi_queue,
	    .ring = d->ring,
	    .have_mac = d->have_mac};
	char err[256] = "";
	int rc;

	memcpy(o.mac, d->mac, sizeof o.mac);
	make_secret(r, d);
	if (d->kind == DEV_TAP)
		r->device = tap_open(&o, &r->caps, err, sizeof err);
	else if (d->kind == DEV_PACKET)
		r->device = packet_open(&o, &r->caps, err, sizeof err);
	else
		r->device =
		    xdp_open(&o, &r->caps, &r->xdp_link, err, sizeof err);
	if (r->device < 0) {
		log_error("device %s: %s", d->name, err);
		return false;
	}
	if (err[0] != '\0')
		log_warn("device %s: %s", d->name, err);
	log_info("device %s: mtu %u, %s", r->caps.name, r->caps.mtu,
	    r->caps.tso	   ? "64 KiB segments and checksums by the device"
	    : r->caps.csum ? "checksums by the device"
			   : "no offloads");
	if (d->kind != DEV_TAP)
		return know_interface(r, &o);
	rc = netcfg_link(
	    o.netns, d->name, d->mtu, d->txqueuelen, err, sizeof err);
	for (uint32_t i = 0; i < d->nhosts && rc == 0; i++)
		rc = netcfg_address(o.netns, d->name, &d->hosts[i].addr,
		    d->hosts[i].plen, err, sizeof err);
	if (rc != 0)
		log_error("host side of %s: %s", d->name, err);
	return rc == 0 && know_interface(r, &o);
}

bool
runtime_open(struct runtime *r, const struct conf *c)
{
	const struct conf_global *g = &c->g;
	char buf[CONF_PATH_MAX];
	bool ok;

	*r = (struct runtime){
	    .client = -1, .control = -1, .device = -1, .xdp_link = -1};
	if (!make_dir(dir_of(g->pidfile, buf), 0755) ||
	    !lock_pidfile(r, g->pidfile))
		return false;
	ok = pidfile_write(r->pidfile) == 0;
	if (!ok)
		log_error("cannot write the pid file %s: %s", g->pidfile,
		    strerror(errno));
	ok = ok && make_dir(dir_of(g->socket, buf), 0755) &&
	     make_dir(dir_of(g->control, buf), 0755) &&
	     make_bind_dir(g->socket);
	if (ok)
		r->client = make_socket(
		    g->socket, SOCK_STREAM, 0666, UINT32_MAX, CLIENT_BACKLOG);
	if (ok && r->client != -1)
		r->control = make_socket(g->control, SOCK_SEQPACKET, 0660,
		    g->control_gid, CONTROL_BACKLOG);
	if (ok && r->control != -1 && open_device(r, &g->device))
		return true;
	runtime_close(r, c);
	return false;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
runtime_pass_on(struct runtime *r)
{
	int client = r->client, control = r->control;

	close_fd(&r->device);
	close_fd(&client);
	close_fd(&control);
	r->client = r->control = -2; /* made, to be removed */
}

void
runtime_close(struct runtime *r, const struct conf *c)
{
	char buf[CONF_PATH_MAX], path[CONF_PATH_MAX + 8];

	close_fd(&r->device);
	close_fd(&r->xdp_link);
	if (r->client != -1) {
		unlink(c->g.socket);
		snprintf(
		    path, sizeof path, "%s/bind", dir_of(c->g.socket, buf));
		rmdir(path); /* stays while a client is in it */
	}
	if (r->control != -1)
		unlink(c->g.control);
	close_fd(&r->client);
	close_fd(&r->control);
	if (r->pidfile != NULL)
		pidfile_remove(r->pidfile);
	r->pidfile = NULL;
}
