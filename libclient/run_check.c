/* SPDX-License-Identifier: ISC */
/*
 * What a program's file is, and which of the two ways serves it: LD_PRELOAD,
 * or the trap for what has no dynamic loader or makes system calls itself.
 *
 * A script is followed to its interpreter as the kernel does it, and "env
 * NAME" to the program that it will find.  What those start in turn is looked
 * at when it is started, by the library (exec.c).
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "elf.h"
#include "run.h"

/* Interpreters of interpreters: the kernel follows four. */
#define DEPTH_MAX 5

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The path that execvp() would take; NULL and errno when there is none: EACCES
 * if something of that name was passed over. */
static const char *
find_program(const char *prog, char *buf, size_t size)
{
	const char *path = getenv("PATH"), *p, *end;
	int e = ENOENT;

	if (strchr(prog, '/') != NULL)
		return access(prog, F_OK) == 0 ? prog : NULL;
	if (*prog == '\0') {
		errno = ENOENT;
		return NULL;
	}
	if (path == NULL)
		path = "/bin:/usr/bin";
	for (p = path; p != NULL; p = *end == ':' ? end + 1 : NULL) {
		end = p + strcspn(p, ":");
		if ((size_t)snprintf(buf, size, "%.*s/%s",
			end == p ? 1 : (int)(end - p), end == p ? "." : p,
			prog) >= size)
			continue;
		if (access(buf, X_OK) == 0 && !is_directory(buf))
			return buf;
		if (access(buf, F_OK) == 0 || errno == EACCES)
			e = EACCES;
	}
	errno = e;
	return NULL;
}

/* Why LD_PRELOAD does not reach all of it and the trap does, or NULL. */
static const char *
needs_trap(const struct elf_facts *f)
{
	if (f->kind == ELF_STATIC)
		return f->go ? "a Go program without the C library: it makes "
			       "system calls itself"
			     : "statically linked: it has no dynamic loader "
			       "that would read LD_PRELOAD";
	if (f->kind == ELF_DYNAMIC && f->go)
		return "carries the Go runtime: it makes system calls itself, "
		       "beside those of the C library";
	return NULL;
}

/* Why it cannot be served; NULL: it can, with the trap if trapped. */
static const char *
obstacle(const struct elf_facts *f, bool trapped)
{
	if (f->kind == ELF_FOREIGN)
		return "is of another class or machine than this tcpd-run: "
		       "use the tcpd-run and library built for it";
	/* Root's filter takes no privilege from anybody. */
	if (trapped || geteuid() == 0)
		return NULL;
	if (f->setid)
		return "is set-user-ID or set-group-ID: the loader ignores "
		       "LD_PRELOAD then; run it as its owner, or with --trap, "
		       "which takes the privilege from it";
	if (f->filecaps)
		return "has file capabilities: the loader ignores LD_PRELOAD "
		       "then; remove them with setcap -r, run as root, or "
		       "with --trap, which takes them from it";
	return NULL;
}

static const char *
kind_text(const struct elf_facts *f)
{
	switch (f->kind) {
	case ELF_DYNAMIC:
		return f->go ? "dynamically linked, with the Go runtime"
			     : "dynamically linked";
	case ELF_STATIC:
		return f->go ? "statically linked, with the Go runtime"
			     : "statically linked";
	case ELF_FOREIGN:
		return "of another class or machine";
	case ELF_SCRIPT:
		return "a script";
	case ELF_UNKNOWN:
		return "neither an ELF program nor a script with #!";
	case ELF_UNREADABLE:
		return "not readable";
	}
	return "?";
}

static void
report_file(const char *path, const struct elf_facts *f)
{
	printf("program: %s is %s%s%s", path, kind_text(f),
	    f->setid ? ", set-user-ID or set-group-ID" : "",
	    f->filecaps ? ", with file capabilities" : "");
	if (f->kind == ELF_SCRIPT && f->interp[0] != '\0')
		printf(" for %s%s%s", f->interp, *f->arg ? " " : "", f->arg);
	if (f->kind == ELF_DYNAMIC)
		printf(" (loader %s)", f->interp);
	putchar('\n');
}

/* One file: 0, or an exit status after saying why. */
static int
judge(const char *path, const struct elf_facts *f, struct run_options *o,
    const char **why)
{
	const char *reason = needs_trap(f), *no;

	if (reason == NULL && (f->setid || f->filecaps))
		reason = "set-user-ID, set-group-ID or with file "
			 "capabilities: the loader ignores LD_PRELOAD then";
	no = obstacle(f, o->trap);
	if (no == NULL && f->kind == ELF_UNREADABLE && f->err == EACCES)
		no = o->exec ? "may be executed and not read, so nobody knows "
			       "whether LD_PRELOAD reaches it"
			     : NULL;
	if (no != NULL) {
		warnx("%s%s %s%s%s", o->exec ? "warning: " : "", path, no,
		    o->exec ? "; " : "", o->exec ? run_unserved() : "");
		return EXIT_NOT_RUN;
	}
	if ((f->setid || f->filecaps) && geteuid() != 0)
		warnx("warning: %s runs without the privileges that its file "
		      "has",
		    path);
	if (reason == NULL)
		return 0;
	o->trap = true;
	if (*why == NULL)
		*why = reason;
	return 0;
}

/* The file that runs in this one's place; false: none. */
static bool
next_file(const struct elf_facts *f, char *path, size_t size)
{
	const char *slash, *found;

	if (f->kind != ELF_SCRIPT || f->interp[0] == '\0')
		return false;
	slash = strrchr(f->interp, '/');
	found = f->interp;
	/* Not an option of env's, nor an assignment. */
	if (slash != NULL && strcmp(slash, "/env") == 0 && f->arg[0] != '\0' &&
	    strpbrk(f->arg, " \t=") == NULL && f->arg[0] != '-') {
		found = find_program(f->arg, path, size);
		if (found == NULL || found == path)
			return found != NULL;
	}
	return (size_t)snprintf(path, size, "%s", found) < size;
}

static int
startable(const char *path)
{
	if (is_directory(path)) {
		warnx("%s is a directory", path);
		return EXIT_NOT_RUN;
	}
	if (access(path, X_OK) == 0)
		return 0;
	warn("%s", path);
	return EXIT_NOT_RUN;
}

int
run_inspect_file(
    const char *first, struct run_options *o, bool report, const char **why)
{
	char path[PATH_MAX];
	struct elf_facts f;
	int depth, status;

	if ((size_t)snprintf(path, sizeof path, "%s", first) >= sizeof path) {
		warnx("%s: %s", first, strerror(ENAMETOOLONG));
		return EXIT_NOT_FOUND;
	}
	for (depth = 0; depth < DEPTH_MAX; depth++) {
		elf_inspect(AT_FDCWD, path, &f);
		if (report)
			report_file(path, &f);
		status = judge(path, &f, o, why);
		if (status != 0 || !next_file(&f, path, sizeof path))
			return status;
		if (access(path, F_OK) != 0) {
			warn("%s: its interpreter", path);
			return EXIT_NOT_FOUND;
		}
	}
	return 0;
}

int
run_inspect(const char *prog, struct run_options *o, bool report)
{
	char found[PATH_MAX];
	const char *path, *why = o->trap ? "--trap" : NULL, *no;
	int status;

	path = find_program(prog, found, sizeof found);
	if (path == NULL) {
		status = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
		warn("%s", *prog != '\0' ? prog : "\"\"");
		return status;
	}
	status = startable(path);
	if (status == 0)
		status = run_inspect_file(path, o, report, &why);
	if (status != 0)
		return status;
	no = o->trap ? run_trap_obstacle() : NULL;
	if (no != NULL) {
		warnx("%s: it must be trapped (%s), and cannot be: %s", path,
		    why, no);
		return EXIT_NOT_RUN;
	}
	if (report)
		printf("way:     %s%s%s\n", o->trap ? "trap: " : "LD_PRELOAD",
		    o->trap ? why : "",
		    o->no_bypass ? "; no socket of the kernel's IP" : "");
	return 0;
}
