/* SPDX-License-Identifier: ISC */
/*
 * What a file that is to be executed is, as far as LD_PRELOAD cares.
 */
#ifndef LIBCLIENT_ELF_H
#define LIBCLIENT_ELF_H

#include <stdbool.h>

enum elf_kind {
	ELF_DYNAMIC,	/* LD_PRELOAD works */
	ELF_STATIC,	/* no dynamic loader */
	ELF_FOREIGN,	/* another class or machine than ours */
	ELF_SCRIPT,	/* "#!": interp is run in its place */
	ELF_UNKNOWN,	/* neither ELF nor script */
	ELF_UNREADABLE, /* err says why */
};

/* The kernel looks no further into a script's first line. */
#define ELF_LINE_MAX 256

struct elf_facts {
	enum elf_kind kind;
	bool setid;    /* set-user-ID or set-group-ID that would change us */
	bool filecaps; /* has file capabilities */
	bool go;       /* carries the Go runtime */
	int err;       /* a positive errno */
	char interp[ELF_LINE_MAX]; /* of a script or a dynamic program */
	char arg[ELF_LINE_MAX];	   /* what a script's first line gives to it */
};

/* dir and path as openat() has them.  Async-signal-safe. */
void elf_inspect(int dir, const char *path, struct elf_facts *f);

#endif
