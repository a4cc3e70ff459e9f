/* SPDX-License-Identifier: ISC */
/*
 * What the parent makes in the file system and the network before anything
 * runs: directories, pid file, sockets, the device.
 */
#ifndef PROC_RUNTIME_H
#define PROC_RUNTIME_H

#include "dev/dev.h"
#include "proc/conf.h"

struct pidfh;

struct runtime {
	struct pidfh *pidfile;
	int client;  /* tcpd.sock, listening */
	int control; /* control.sock, listening */
	int device;
	int xdp_link; /* of a device xdp; it is the parent's to keep */
	struct dev_caps caps;
	uint8_t stable_secret[16]; /* for addresses that the stack makes */
	int ifindex; /* of the device's interface, in its namespace */
};

/* Makes everything; false (told in the log, with the cure) and nothing left
 * behind when something cannot be made. */
bool runtime_open(struct runtime *r, const struct conf *c);
/* The children have them: the parent's copies go. */
void runtime_pass_on(struct runtime *r);
/* Removes sockets and pid file, closes what is open. */
void runtime_close(struct runtime *r, const struct conf *c);

#endif
