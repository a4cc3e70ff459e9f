/* SPDX-License-Identifier: ISC */
/*
 * Socket calls as a program makes them, and what came of each, one line per
 * result.  The same binary runs on the kernel's TCP and under the shim;
 * tests/shim/compare wants the same lines from both.
 *
 *	cases peer PATH          the other side: obeys at the AF_UNIX socket
 *	cases run PATH [NAME]    all cases, or those whose name begins so
 *
 * $CASES_KIND is 4, 6 or mapped (sockets of AF_INET6 that speak IPv4; the
 *peer's are of AF_INET then).  The subject is 192.0.2.2 or 2001:db8::2, the
 *peer 192.0.2.1 or 2001:db8::1.  A result that differs by design (a segment
 *size) is printed as a property that both must have.
 */
#include "cases.h"

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
    {"fresh", case_fresh},
    {"flags", case_flags},
    {"refused", case_refused},
    {"refused_later", case_refused_later},
    {"refused_write", case_refused_write},
    {"later", case_later},
    {"epoll_modes", case_epoll_modes},
    {"select_modes", case_select_modes},
    {"names", case_names},
    {"half_close", case_half_close},
    {"peer_closes", case_peer_closes},
    {"reset_read", case_reset_read},
    {"reset_write", case_reset_write},
    {"closing", case_closing},
    {"accepting", case_accepting},
    {"reset_before_accept", case_reset_before_accept},
    {"listeners", case_listeners},
    {"binding", case_binding},
    {"rebinding", case_rebinding},
    {"loopback", case_loopback},
    {"unspec", case_unspec},
    {"options", case_options},
    {"inheriting", case_inheriting},
    {"addresses", case_addresses},
    {"receiving", case_receiving},
    {"gathering", case_gathering},
    {"urgent", case_urgent},
    {"duplicates", case_duplicates},
    {"children", case_children},
    {"executing", case_executing},
    {"passing", case_passing},
    {"workers", case_workers},
    {"orphan_listener", case_orphan_listener},
    {"timing_out", case_timing_out},
    {"unreachable", case_unreachable},
    {"interrupted", case_interrupted},
    {"threads", case_threads},
    {"bulk", case_bulk},
    {"both_families", case_both_families},
    {"family_options", case_family_options},
};

static int
subject_main(const char *only)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	time_t end = time(NULL) + PATIENCE_S;
	size_t i, ran = 0;

	snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	ctl = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* The peer may be starting yet. */
	while (connect(ctl, (struct sockaddr *)&un, sizeof un) != 0) {
		if (time(NULL) > end)
			broken(path);
		poll(NULL, 0, 20);
	}
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (only != NULL &&
		    strncmp(cases[i].name, only, strlen(only)) != 0)
			continue;
		case_name = cases[i].name;
		alarm(60);
		cases[i].run();
		ran++;
	}
	if (getenv("CASES_QUIT") != NULL && write(ctl, "quit\n", 5) < 0)
		broken("quit");
	return ran > 0 ? 0 : 2;
}

int
main(int argc, char **argv)
{
	const char *kind = getenv("CASES_KIND");

	if (kind != NULL && argc > 1 && strcmp(argv[1], "peer") == 0 &&
	    strcmp(kind, "mapped") == 0)
		kind = "4";
	choose_kind(kind != NULL ? kind : "4");
	self = argv[0];
	if (argc >= 3)
		path = argv[2];
	if (argc == 3 && strcmp(argv[1], "peer") == 0)
		return peer_main();
	if (argc == 3 && strcmp(argv[1], "fd") == 0)
		return case_inherited(atoi(argv[2]));
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		return subject_main(argc > 3 ? argv[3] : NULL);
	fputs("usage: cases peer|run PATH [NAME]\n", stderr);
	return 2;
}
