/* SPDX-License-Identifier: ISC */
/*
 * Real devices with the kernel as the peer.  Each test runs in a child with a
 * network namespace of its own (and a user namespace when not root), and is
 * skipped with a reason where that is refused.
 *
 *	  this program                          the kernel
 *	192.0.2.2  responder -- dev_rx/dev_tx -- t0   192.0.2.1
 *	192.0.2.2  responder -- AF_PACKET v0 == v1    192.0.2.1
 *
 * The responder answers ARP and echo requests and accepts one TCP connection:
 * it acknowledges what comes and sends as much back, without losses to mend.
 */
#ifndef DEVNET_LAB_H
#define DEVNET_LAB_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dev/dev.h"
#include "proc/netcfg.h"

#define HOST  0xc0000201u /* 192.0.2.1, the kernel */
#define US    0xc0000202u
#define BYTES (1 << 20) /* TCP payload each way */

enum {
	EXIT_NO_NETNS = 77,
	EXIT_NO_TUN,
	EXIT_NO_IP,
	EXIT_NO_XDP
};

#define MUST(cond)                                                             \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: %s: %s (%s)\n", __FILE__,      \
			    __LINE__, #cond, strerror(errno), lab_err);        \
			_exit(1);                                              \
		}                                                              \
	} while (0)

extern char lab_err[512];
/* The device under test, from dev_attach(). */
extern struct drops drops;
extern struct dev_caps caps;
extern struct dev *dev;
extern const char *host_if; /* the kernel's side */

/* What the responder has met. */
struct seen {
	unsigned arps, echos;
	size_t max_frame;
	bool gso, partial, vouched, unvouched;
	uint16_t gso_size, hdr_len;
	size_t received; /* TCP payload */
};
extern struct seen seen;

/* Runs body in a child inside new namespaces. */
void in_netns(void (*body)(void));
void write_file(const char *path, const char *text);

void attach(int fd);
void detach(void);
/* HOST's address on an interface of netns; 0 or a negative errno. */
int host_address(const char *netns, const char *ifname);
/* Two interfaces, v0 and v1, both up. */
void make_veth(void);
/* From now on ioctl(.., value, ..) or setsockopt(.., .., value, ..), whichever
 * nr is, is refused: its argument number arg is value. */
void refuse(int nr, unsigned arg, uint32_t value);

uint16_t get16(const uint8_t *p);
void put16(uint8_t *p, uint32_t v);
/* By the AF_PACKET socket fd, frame number nr, its length by that. */
void send_numbered(int fd, int ifindex, const uint8_t dst[6], unsigned nr);
/* Takes what is there, in order from next; the number that comes then. */
unsigned take_numbered(unsigned next);
/* All before number nr are taken and none was lost; then more come than the
 * device has room for, which it counts, and it goes on. */
void overrun(int fd, int ifindex, unsigned nr);
/* The kernel pings us: ARP, then an echo request with payload. */
void kernel_pings(void);
/* It pings, sends BYTES by TCP and gets as many. */
void exchange(void);

#endif
