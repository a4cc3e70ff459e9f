/* SPDX-License-Identifier: ISC */
/*
 * Reads the first bytes, the program headers and the section names of a file;
 * see elf.h.  The file is hostile as far as offsets go: everything is read by
 * pread() into buffers of fixed size, and counts are bounded.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "elf.h"

#define MAX_HEADERS 256

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

static bool
read_at(int fd, void *buf, size_t n, off_t at)
{
	return pread(fd, buf, n, at) == (ssize_t)n;
}

/* "#! /usr/bin/env sh": the interpreter is /usr/bin/env, its argument sh. */
static void
script(int fd, struct elf_facts *f)
{
	char line[256], *p, *end;
	ssize_t n = pread(fd, line, sizeof line - 1, 2);

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

/* The dynamic loader's path; false when the program names none. */
static bool
interpreter(int fd, const elf_ehdr *eh, struct elf_facts *f)
{
	elf_phdr ph;
	unsigned i;
	size_t n;

	for (i = 0; i < eh->e_phnum && i < MAX_HEADERS; i++) {
		if (!read_at(fd, &ph, sizeof ph,
			(off_t)(eh->e_phoff + i * sizeof ph)))
			return false;
		if (ph.p_type != PT_INTERP)
			continue;
		n = ph.p_filesz < sizeof f->interp ? ph.p_filesz
						   : sizeof f->interp - 1;
		if (!read_at(fd, f->interp, n, (off_t)ph.p_offset))
			return false;
		f->interp[n] = '\0';
		return true;
	}
	return false;
}

/* Go names a section of its own in every program, stripped or not. */
static bool
has_go_section(int fd, const elf_ehdr *eh)
{
	elf_shdr sh, names;
	char name[16];
	unsigned i;

	if (eh->e_shoff == 0 || eh->e_shstrndx >= eh->e_shnum ||
	    !read_at(fd, &names, sizeof names,
		(off_t)(eh->e_shoff + eh->e_shstrndx * sizeof names)))
		return false;
	for (i = 0; i < eh->e_shnum && i < MAX_HEADERS; i++) {
		if (!read_at(fd, &sh, sizeof sh,
			(off_t)(eh->e_shoff + i * sizeof sh)) ||
		    !read_at(fd, name, sizeof name,
			(off_t)(names.sh_offset + sh.sh_name)))
			continue;
		if (strncmp(name, ".go.buildinfo", sizeof name) == 0 ||
		    strncmp(name, ".gopclntab", sizeof name) == 0)
			return true;
	}
	return false;
}

static void
inspect_fd(int fd, struct elf_facts *f)
{
	elf_ehdr eh;
	unsigned char id[EI_NIDENT] = {0};

	if (pread(fd, id, sizeof id, 0) >= 2 && id[0] == '#' && id[1] == '!') {
		script(fd, f);
		return;
	}
	if (memcmp(id, ELFMAG, SELFMAG) != 0) {
		f->kind = ELF_UNKNOWN;
		return;
	}
	if (id[EI_CLASS] != OUR_CLASS || !read_at(fd, &eh, sizeof eh, 0) ||
	    (OUR_MACHINE != 0 && eh.e_machine != OUR_MACHINE)) {
		f->kind = ELF_FOREIGN;
		return;
	}
	f->go = has_go_section(fd, &eh);
	f->kind = interpreter(fd, &eh, f) ? ELF_DYNAMIC : ELF_STATIC;
}

void
elf_inspect(const char *path, struct elf_facts *f)
{
	struct stat st;
	int fd;

	memset(f, 0, sizeof *f);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0) {
		f->kind = ELF_UNREADABLE;
		if (fd >= 0)
			close(fd);
		return;
	}
	f->setid = (st.st_mode & S_ISUID && st.st_uid != geteuid()) ||
		   (st.st_mode & S_ISGID && st.st_gid != getegid());
	f->filecaps =
	    fgetxattr(fd, "security.capability", NULL, 0) > 0 && geteuid() != 0;
	inspect_fd(fd, f);
	close(fd);
}
