/* SPDX-License-Identifier: ISC */
/*
 * tcpctl: what tcpd does, and a few orders to it.
 *
 * The words are parsed before anything is opened, so a mistake in them is told
 * without a daemon.  An answer that breaks off is an error (exit 1) even when
 * rows were printed; usage errors exit 2.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "output.h"
#include "parser.h"

struct printing {
	const struct output *out;
	const struct request *r;
	uint16_t what;
};

static _Noreturn void
usage(FILE *to)
{
	fprintf(to,
	    "usage: tcpctl [-j] [-s SOCKET] show connections|listeners|"
	    "datagrams|clients|\n"
	    "                                    stats|neighbours|"
	    "addresses|routes|policy|\n"
	    "                                    drops [all]\n"
	    "       tcpctl [-j] [-s SOCKET] ss [-46tulanieopHh] [state STATE] "
	    "[exclude STATE]\n"
	    "       tcpctl [-j] [-s SOCKET] why [bind] ADDR[:PORT]\n"
	    "       tcpctl [-j] [-s SOCKET] close ID\n"
	    "       tcpctl [-j] [-s SOCKET] log verbose|brief\n"
	    "       tcpctl -V | -h\n");
	exit(to == stdout ? 0 : 2);
}

static void
print_row(void *arg, const void *row)
{
	const struct printing *p = arg;

	switch (p->what) {
	case CTL_CONNECTIONS:
		p->out->conn(p->r, row);
		break;
	case CTL_LISTENERS:
		p->out->listener(p->r, row);
		break;
	case CTL_DATAGRAMS:
		p->out->dgram(p->r, row);
		break;
	case CTL_CLIENTS:
		p->out->client(row);
		break;
	case CTL_STATS:
	case CTL_DROPS:
		p->out->counter(p->r, row);
		break;
	case CTL_NEIGHBOURS:
		p->out->neigh(row);
		break;
	case CTL_ADDRS:
		p->out->addr(row);
		break;
	case CTL_ROUTES:
		p->out->route(row);
		break;
	case CTL_POLICY:
		p->out->rule(row);
		break;
	case CTL_WHY:
		p->out->why(p->r, row);
		break;
	default:
		break;
	}
}

static bool
ask(int fd, const struct output *out, const struct request *r, uint16_t what)
{
	struct printing p = {.out = out, .r = r, .what = what};
	struct ctl_query q = r->q;
	char why[256];
	int rc;

	q.what = what;
	out->begin(r, what);
	rc = client_query(fd, &q, print_row, &p, why, sizeof why);
	if (rc == 0)
		out->end(r, what);
	fflush(stdout);
	if (rc != 0)
		fprintf(stderr, "tcpctl: %s\n", why);
	return rc == 0;
}

static bool
run(int fd, const struct output *out, const struct request *r)
{
	bool ok = true, tcp = r->ss.tcp || !r->ss.udp;

	out->open(r);
	if (tcp && r->is_ss && (r->ss.states & 1u << 10) != 0)
		ok = ask(fd, out, r, CTL_LISTENERS);
	if (ok && tcp && (!r->is_ss || r->q.states != 0))
		ok = ask(fd, out, r, r->q.what);
	if (ok && r->ss.udp)
		ok = ask(fd, out, r, CTL_DATAGRAMS);
	if (ok)
		out->close(r);
	return ok;
}

int
main(int argc, char *argv[])
{
	static const struct option longopts[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'}, {0}};
	const struct output *out = &output_text;
	const char *path = CTL_SOCKET;
	struct request r;
	char why[512];
	int c, fd;
	bool ok;

	while ((c = getopt_long(argc, argv, "+hjs:V", longopts, NULL)) != -1) {
		switch (c) {
		case 'j':
			out = &output_json;
			break;
		case 's':
			path = optarg;
			break;
		case 'V':
			puts(PACKAGE_STRING);
			return 0;
		case 'h':
			usage(stdout);
		default:
			usage(stderr);
		}
	}
	if (optind == argc)
		usage(stderr);
	if (!parse_request(&r, argc - optind, argv + optind, why, sizeof why)) {
		fprintf(stderr, "tcpctl: %s\n", why);
		return 2;
	}
	if (r.ss.help)
		usage(stdout);
	if ((fd = client_open(path, why, sizeof why)) == -1) {
		fprintf(stderr, "tcpctl: %s\n", why);
		return 1;
	}
	ok = run(fd, out, &r);
	close(fd);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "tcpctl: cannot write the answer\n");
		return 1;
	}
	return ok ? 0 : 1;
}
