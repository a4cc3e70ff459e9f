/* SPDX-License-Identifier: ISC */
/*
 * The text of tcpd.conf before the parser: read whole, and searched for what
 * libconfuse lets pass: bytes that are no text, a file that ends inside a
 * section, string or comment.  Notes where each section began, in the order in
 * which they end, because the parser only knows the line of the closing brace.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/conf_read.h"

#define FILE_MAX_BYTES (1u << 20)

/* Walks over the string or comment at *p; the line of its begin when it does
 * not end, else 0. */
static uint32_t
scan_token(const char **p, uint32_t *line)
{
	const char *s = *p;
	uint32_t begin = *line;
	char quote = *s;

	if (*s == '#' || (s[0] == '/' && s[1] == '/')) {
		*p = s + strcspn(s, "\n");
		return 0;
	}
	if (s[0] == '/' && s[1] == '*') {
		for (s += 2; *s != '\0' && (s[0] != '*' || s[1] != '/'); s++)
			*line += *s == '\n';
		*p = s + (*s != '\0' ? 2 : 0);
		return *s == '\0' ? begin : 0;
	}
	for (s++; *s != '\0' && *s != quote; s++) {
		if (*s == '\\' && s[1] != '\0')
			s++;
		*line += *s == '\n';
	}
	*p = s + (*s != '\0');
	return *s == '\0' ? begin : 0;
}

/* Is every section, string and comment closed?  Notes where sections begin. */
int
conf_scan(struct reader *r)
{
	uint32_t stack[16], line = 1, open;
	unsigned depth = 0;
	const char *p = r->text;

	while (*p != '\0') {
		if (*p == '"' || *p == '\'' || *p == '#' ||
		    (*p == '/' && (p[1] == '/' || p[1] == '*'))) {
			if ((open = scan_token(&p, &line)) != 0)
				return conf_complain(r, open,
				    "a string or comment begins here and "
				    "never ends; close it");
			continue;
		}
		if (*p == '\n')
			line++;
		if (*p == '{') {
			if (depth == 16)
				return conf_complain(r, line,
				    "sections nest too deeply; close some");
			stack[depth++] = line;
		}
		if (*p == '}' && depth > 0) {
			r->opened = reallocarray(
			    r->opened, r->nopened + 1, sizeof *r->opened);
			if (r->opened == NULL)
				return conf_complain(r, 0, "out of memory");
			r->opened[r->nopened++] = stack[--depth];
		}
		p++;
	}
	if (depth > 0)
		return conf_complain(r, stack[depth - 1],
		    "the section that begins here is not closed; add a }");
	return 0;
}

int
conf_read_text(struct reader *r)
{
	struct stat st;
	ssize_t n = -1;
	int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1 || fstat(fd, &st) == -1) {
		int e = errno;

		if (fd != -1)
			close(fd);
		return conf_complain(r, 0,
		    "%s; name the configuration with -f (an example is in "
		    "the documentation, tcpd.conf.example)",
		    strerror(e));
	}
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_MAX_BYTES) {
		close(fd);
		return conf_complain(r, 0,
		    "not a regular file of at most 1 MiB; name another with "
		    "-f");
	}
	if ((r->text = calloc(1, (size_t)st.st_size + 1)) != NULL)
		n = read(fd, r->text, (size_t)st.st_size);
	close(fd);
	if (n != st.st_size)
		return conf_complain(r, 0, "cannot read all of it; try again");
	if (strlen(r->text) != (size_t)n)
		return conf_complain(r, 0, "holds a zero byte; it is not text");
	return 0;
}
