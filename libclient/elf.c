/* SPDX-License-Identifier: ISC */
/*
 * Reads the first bytes, the program headers and the names of the sections of a
 * file; see elf.h.  The file is hostile as far as offsets go: everything is
 * read by pread() into buffers of fixed size, and counts are bounded.
 *
 * The library does this before each exec, in the child of a vfork as well: by
 * system calls alone, and few of them.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "elf.h"
#include "sys.h"

#define MAX_HEADERS 256
#define PIECE	    1024      /* is read at once */
#define MAX_NAMES   (1 << 16) /* bytes, of sections */

#if __SIZEOF_POINTER__ == 8
#define OUR_CLASS ELFCLASS64
typedef Elf64_Ehdr elf_ehdr;
typedef Elf64_Phdr elf_phdr;
typedef Elf64_Shdr elf_shdr;
#else
#define OUR_CLASS ELFCLASS32
typedef Elf32_Ehdr elf_ehdr;
typedef Elf32_Phdr elf_phdr;
typedef Elf32_Shdr elf_shdr;
#endif

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#elif defined(__i386__)
#define OUR_MACHINE EM_386
#else
#define OUR_MACHINE 0 /* any */
#endif

static ssize_t
read_some(int fd, void *buf, size_t n, uint64_t at)
{
	return SYS(SYS_pread64, fd, buf, n, at, 0, 0);
}

static bool
read_at(int fd, void *buf, size_t n, uint64_t at)
{
	return read_some(fd, buf, n, at) == (ssize_t)n;
}

/* "#! /usr/bin/env sh": the interpreter is /usr/bin/env, its argument sh. */
static void
script(int fd, struct elf_facts *f)
{
	char line[ELF_LINE_MAX], *p, *end;
	ssize_t n = read_some(fd, line, sizeof line - 1, 2);

	f->kind = ELF_SCRIPT;
	if (n < 0)
		n = 0;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	p = line + strspn(line, " \t");
	end = p + strcspn(p, " \t");
	if (*end != '\0')
		strcpy(f->arg, end + 1 + strspn(end + 1, " \t"));
	*end = '\0';
	strcpy(f->interp, p);
	for (end = f->arg + strlen(f->arg);
	     end > f->arg && (end[-1] == ' ' || end[-1] == '\t'); end--)
		end[-1] = '\0';
}

/* The program headers: false when they cannot be read, and then the kernel has
 * its own word for the file. */
static bool
headers(int fd, const elf_ehdr *eh, struct elf_facts *f)
{
	elf_phdr ph[PIECE / sizeof(elf_phdr)];
	const unsigned most = sizeof ph / sizeof ph[0];
	unsigned i, n = eh->e_phnum < MAX_HEADERS ? eh->e_phnum : MAX_HEADERS;
	size_t len, have;

	f->kind = ELF_STATIC;
	if (eh->e_phentsize != sizeof ph[0] || n == 0 ||
	    (eh->e_type != ET_EXEC && eh->e_type != ET_DYN))
		return false;
	for (i = 0; i < n; i++) {
		have = n - i < most ? n - i : most;
		if (i % most == 0 && !read_at(fd, ph, have * sizeof ph[0],
					 eh->e_phoff + i * sizeof ph[0]))
			return false;
		if (ph[i % most].p_type != PT_INTERP)
			continue;
		f->kind = ELF_DYNAMIC;
		len = ph[i % most].p_filesz;
		if (len < sizeof f->interp)
			read_some(fd, f->interp, len, ph[i % most].p_offset);
		break;
	}
	return true;
}

static bool
is_in(const char *name, size_t len, const char *text, size_t n)
{
	for (; n >= len; text++, n--)
		if (memcmp(text, name, len) == 0)
			return true;
	return false;
}

/* Go names sections of its own in every program, stripped or not; their names
 * are all in one place. */
static bool
has_go_section(int fd, const elf_ehdr *eh)
{
	static const char lines[] = ".gopclntab", build[] = ".go.buildinfo";
	char text[PIECE];
	uint64_t at, end;
	elf_shdr names;
	ssize_t n;

	if (eh->e_shoff == 0 || eh->e_shstrndx >= eh->e_shnum ||
	    !read_at(fd, &names, sizeof names,
		eh->e_shoff + eh->e_shstrndx * sizeof names))
		return false;
	at = names.sh_offset;
	end = at + (names.sh_size < MAX_NAMES ? names.sh_size : MAX_NAMES);
	/* A name that is cut in two is whole in the next piece. */
	for (; at < end; at += sizeof text - sizeof build) {
		n = (ssize_t)(end - at < sizeof text ? end - at : sizeof text);
		n = read_some(fd, text, (size_t)n, at);
		if (n <= 0)
			return false;
		if (is_in(lines, sizeof lines, text, (size_t)n) ||
		    is_in(build, sizeof build, text, (size_t)n))
			return true;
	}
	return false;
}

static void
inspect_fd(int fd, struct elf_facts *f)
{
	union {
		elf_ehdr eh;
		unsigned char id[EI_NIDENT];
	} u = {.id = {0}};
	ssize_t n = read_some(fd, &u, sizeof u, 0);

	f->kind = ELF_UNKNOWN;
	if (n >= 2 && u.id[0] == '#' && u.id[1] == '!') {
		script(fd, f);
	} else if (n >= EI_NIDENT && memcmp(u.id, ELFMAG, SELFMAG) == 0) {
		if (u.id[EI_CLASS] != OUR_CLASS ||
		    (OUR_MACHINE != 0 && u.eh.e_machine != OUR_MACHINE))
			f->kind = ELF_FOREIGN;
		else if (n < (ssize_t)sizeof u.eh || !headers(fd, &u.eh, f))
			f->kind = ELF_UNKNOWN;
		else
			f->go = has_go_section(fd, &u.eh);
	}
}

/* What the file's mode and attributes do to who executes it, if he can get
 * privileges at all. */
static void
privileges(int fd, const struct stat *st, struct elf_facts *f)
{
	bool uid = st->st_mode & S_ISUID && st->st_uid != geteuid();
	bool gid = st->st_mode & S_ISGID && st->st_gid != getegid();
	bool caps =
	    geteuid() != 0 &&
	    SYS(SYS_fgetxattr, fd, "security.capability", NULL, 0, 0, 0) > 0;

	if ((uid || gid || caps) &&
	    SYS(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0) == 1)
		return;
	f->setid = uid || gid;
	f->filecaps = caps;
}

void
elf_inspect(int dir, const char *path, struct elf_facts *f)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat st;
	long fd;

	memset(f, 0, sizeof *f);
	/* A device or a FIFO is not to be opened by the way. */
	fd = fstatat(dir, path, &st, 0) != 0 ? -errno : 0;
	if (fd == 0 && !S_ISREG(st.st_mode)) {
		f->kind = ELF_UNKNOWN;
		return;
	}
	if (fd == 0)
		fd = SYS(SYS_openat, dir, path, flags, 0, 0, 0);
	if (fd < 0) {
		f->kind = ELF_UNREADABLE;
		f->err = (int)-fd;
		return;
	}
	privileges((int)fd, &st, f);
	inspect_fd((int)fd, f);
	sys_close((int)fd);
}
