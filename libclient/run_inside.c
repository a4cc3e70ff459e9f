/* SPDX-License-Identifier: ISC */
/*
 * How the sandbox is furnished: who one is in it, its interface, its resolver's
 * configuration.
 *
 * Users stay who they are.  The daemon sees the true one in any case; a caller
 * who may change his user outside (root) may do so inside.  For others only
 * their own user and group exist, which is what the kernel lets them have.
 *
 * The file system is the caller's, with two files in the place of others, for
 * the C library's sake: resolv.conf names 127.0.0.1 (and keeps its other
 * lines), in nsswitch.conf hosts are looked for in files and in the DNS, not by
 * way of daemons outside (nscd's socket is covered for the same reason).  What
 * is mounted outside later appears inside, and not the other way.
 *
 * getaddrinfo() with AI_ADDRCONFIG asks for addresses of a family only if an
 * interface has one that is not loopback.  So lo also has one of those that
 * stand for nothing, of each family that tcpd speaks.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "run_sandbox.h"
#include "sys.h"

#define DUMMY4 0xc0000008u /* 192.0.0.8, RFC 7600 4.8 */
/* 100::1, of RFC 6666's prefix. */
static const uint8_t dummy6[16] = {1, [15] = 1};

#define TEXT_MAX 65536 /* of a file of /etc */

/* What <linux/ipv6.h> has; it and <netinet/in.h> do not go together. */
struct in6_request {
	uint8_t addr[16];
	uint32_t prefix_len;
	int ifindex;
};

/* ---- what forbids it ---- */

static const struct knob {
	const char *name; /* below /proc/sys */
	long bad;
	const char *cure;
} knobs[] = {
    {"kernel/unprivileged_userns_clone", 0, "set it to 1"},
    {"kernel/apparmor_restrict_unprivileged_userns", 1,
	"set it to 0, or give tcpd-run an AppArmor profile with \"userns,\""},
    {"user/max_user_namespaces", 0, "raise it"},
    {"user/max_net_namespaces", 0, "raise it"},
    {"user/max_mnt_namespaces", 0, "raise it"},
};

static bool
is_bad(const struct knob *k)
{
	char path[128];
	long v = k->bad + 1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/sys/%s", k->name);
	if ((f = fopen(path, "re")) == NULL)
		return false;
	if (fscanf(f, "%ld", &v) != 1)
		v = k->bad + 1;
	fclose(f);
	return v == k->bad;
}

void
sandbox_explain(const char *step, int err)
{
	unsigned i;

	for (i = 0; i < sizeof knobs / sizeof knobs[0]; i++)
		if (is_bad(&knobs[i])) {
			warnx("--sandbox: %s was refused: %s; sysctl %s is "
			      "%ld: %s",
			    step, strerror(err), knobs[i].name, knobs[i].bad,
			    knobs[i].cure);
			return;
		}
	if (err == EPERM || err == EACCES)
		warnx("--sandbox: %s was refused: %s; in a container its "
		      "policy must allow unshare(2) and mount(2), and a "
		      "changed root directory (chroot) does not",
		    step, strerror(err));
	else if (err == ENOSPC || err == EUSERS)
		warnx("--sandbox: %s was refused: there are too many already "
		      "(%s); raise sysctl user/max_*_namespaces, here or in "
		      "the container's host",
		    step, strerror(err));
	else
		warnx("--sandbox: %s was refused: %s", step, strerror(err));
}

/* ---- users ---- */

static int
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ssize_t n = (ssize_t)strlen(text);
	int e;

	if (fd < 0)
		return -errno;
	e = write(fd, text, (size_t)n) == n ? 0 : -errno;
	close(fd);
	return e;
}

static int
write_child(int child, const char *file, const char *text)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", child, file);
	return write_file(path, text);
}

/* Everybody whom there is here as himself there. */
static void
everybody(const char *file, char *text, size_t size)
{
	unsigned long first, outside, n;
	FILE *f = fopen(file, "re");
	size_t len = 0;

	text[0] = '\0';
	while (f != NULL && len + 64 < size &&
	       fscanf(f, "%lu %lu %lu", &first, &outside, &n) == 3)
		len += (size_t)snprintf(
		    text + len, size - len, "%lu %lu %lu\n", first, first, n);
	if (f != NULL)
		fclose(f);
}

bool
sandbox_map_users(int child)
{
	char text[2048];
	int e;

	everybody("/proc/self/gid_map", text, sizeof text);
	e = write_child(child, "gid_map", text);
	if (e == -EPERM) {
		write_child(child, "setgroups", "deny");
		snprintf(text, sizeof text, "%u %u 1\n", getegid(), getegid());
		e = write_child(child, "gid_map", text);
	}
	if (e == 0) {
		everybody("/proc/self/uid_map", text, sizeof text);
		e = write_child(child, "uid_map", text);
	}
	if (e == -EPERM) {
		snprintf(text, sizeof text, "%u %u 1\n", geteuid(), geteuid());
		e = write_child(child, "uid_map", text);
	}
	if (e != 0)
		sandbox_explain("users in a user namespace", -e);
	return e == 0;
}

/* ---- lo ---- */

static bool
lo_address4(int fd)
{
	struct ifreq r = {.ifr_name = "lo:1"};
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(DUMMY4)};

	memcpy(&r.ifr_addr, &sin, sizeof sin);
	if (ioctl(fd, SIOCSIFADDR, &r) != 0)
		return false;
	sin.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	memcpy(&r.ifr_netmask, &sin, sizeof sin);
	return ioctl(fd, SIOCSIFNETMASK, &r) == 0;
}

static void
lo_address6(void)
{
	struct in6_request r = {.prefix_len = 128};
	int fd = sys_socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(r.addr, dummy6, sizeof r.addr);
	r.ifindex = (int)if_nametoindex("lo");
	/* A kernel without IPv6 has no use for it. */
	if (fd >= 0) {
		(void)ioctl(fd, SIOCSIFADDR, &r);
		sys_close(fd);
	}
}

static bool
lo_up(struct sandbox_families f)
{
	int fd = sys_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	bool ok;

	if (fd < 0)
		return false;
	ok = ioctl(fd, SIOCSIFFLAGS, &r) == 0 && (!f.ipv4 || lo_address4(fd));
	sys_close(fd);
	if (ok && f.ipv6)
		lo_address6();
	return ok;
}

/* ---- files ---- */

static char *
read_text(const char *path)
{
	char *s = calloc(1, TEXT_MAX + 1);
	FILE *f = fopen(path, "re");
	size_t n;

	if (f != NULL && s != NULL) {
		n = fread(s, 1, TEXT_MAX, f);
		s[n] = '\0';
	}
	if (f != NULL)
		fclose(f);
	return s;
}

/* A copy of path in dir that begins with line and has no line that begins with
 * word; in path's place. */
static int
replace(const char *path, const char *dir, const char *line, const char *word)
{
	char *text = read_text(path), *s = text, copy[64];
	size_t n;
	FILE *f;
	int e = 0;

	snprintf(copy, sizeof copy, "%s/%s", dir, strrchr(path, '/') + 1);
	f = fopen(copy, "we");
	if (text == NULL || f == NULL)
		e = -errno;
	if (e == 0 && (fputs(line, f) < 0 || fchmod(fileno(f), 0644) != 0))
		e = -errno;
	for (; e == 0 && *s != '\0'; s += n) {
		n = strcspn(s, "\n");
		n += s[n] == '\n';
		if (strncmp(s, word, strlen(word)) != 0)
			fwrite(s, 1, n, f);
	}
	free(text);
	if (f != NULL && fclose(f) != 0)
		e = -errno;
	if (e == 0 && mount(copy, path, NULL, MS_BIND, NULL) != 0)
		e = -errno;
	return e == -ENOENT ? 0 : e; /* without it the same is assumed */
}

/* What is covered for as long as it takes to mount something of it elsewhere:
 * any directory will do but those that the files are below. */
static const char *
scratch(void)
{
	static const char *const dirs[] = {"/tmp", "/var/tmp", "/mnt", "/dev"};
	struct stat st;
	unsigned i;

	for (i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
		if (stat(dirs[i], &st) == 0 && S_ISDIR(st.st_mode))
			return dirs[i];
	return "/root";
}

static const char *
furnish_files(void)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	const char *dir = scratch();
	char empty[64];
	int e;

	if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return "mounts of its own";
	if (mount("tcpd-run", dir, "tmpfs", flags, "mode=0755,size=1m") != 0)
		return "a file system in memory";
	snprintf(empty, sizeof empty, "%s/empty", dir);
	if (mkdir(empty, 0755) != 0)
		return "a directory";
	if (mount(empty, "/run/nscd", NULL, MS_BIND, NULL) != 0 &&
	    errno != ENOENT)
		return "covering nscd's socket";
	e = replace(
	    "/etc/resolv.conf", dir, "nameserver 127.0.0.1\n", "nameserver");
	if (e == 0)
		e = replace(
		    "/etc/nsswitch.conf", dir, "hosts: files dns\n", "hosts:");
	errno = -e;
	if (e != 0)
		return "another resolv.conf";
	if (umount2(dir, MNT_DETACH) != 0)
		return "uncovering a directory";
	return NULL;
}

bool
sandbox_furnish(struct sandbox_families f)
{
	const char *step = NULL;

	if (unshare(CLONE_NEWNET) != 0)
		step = "a network namespace";
	else if (unshare(CLONE_NEWNS) != 0)
		step = "a mount namespace";
	else if (!lo_up(f))
		step = "an address on lo";
	else if (!dns_open())
		step = "port 53 of lo";
	else
		step = furnish_files();
	if (step != NULL)
		sandbox_explain(step, errno);
	return step == NULL;
}
