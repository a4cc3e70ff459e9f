/* SPDX-License-Identifier: ISC */
/*
 * Socket calls as a program makes them, and what came of each, one line per
 * result.  The same binary runs on the kernel's TCP and under the shim;
 * tests/shim/compare wants the same lines from both.
 *
 *	cases peer PATH          the other side: obeys at the AF_UNIX socket
 *	cases run PATH [NAME]... all cases, or those whose names begin so
 *	cases list               the names of all
 *
 * $CASES_KIND is 4, 6 or mapped (sockets of AF_INET6 that speak IPv4; the
 *peer's are of AF_INET then).  The subject is 192.0.2.2 or 2001:db8::2, the
 *peer 192.0.2.1 or 2001:db8::1.  A result that differs by design (a segment
 *size) is printed as a property that both must have.
 */
#include <linux/capability.h>
#include <sys/syscall.h>
#include "cases.h"

static const struct subject *const subjects[] = {
    &connecting_cases,
    &listening_cases,
    &streaming_cases,
    &sharing_cases,
    &families_cases,
    &arguments_cases,
    &polling_cases,
    &messages_cases,
    &options_cases,
    &datagrams_cases,
    &copying_cases,
    &heirs_cases,
    &waiting_cases,
    &signalling_cases,
    &marks_cases,
    &files_cases,
    &ports_cases,
    &rings_cases,
    &sweeping_cases,
    &interfaces_cases,
    &corners_cases,
};
#define NSUBJECTS (sizeof subjects / sizeof subjects[0])

/* Longest that a case may take, seconds. */
#define CASE_S 60

static void
dial_peer(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	time_t end = time(NULL) + PATIENCE_S;

	snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	ctl = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* The peer may be starting yet. */
	while (connect(ctl, (struct sockaddr *)&un, sizeof un) != 0) {
		if (time(NULL) > end)
			broken(path);
		poll(NULL, 0, 20);
	}
}

/* A case and its descendants, to the last of them. */
static void
run_case(const struct subject *s, const struct shim_case *c)
{
	static char name[128];
	int status;
	pid_t pid;

	snprintf(name, sizeof name, "%s/%s", s->name, c->name);
	case_name = name;
	case_row = c->row;
	pid = fork();
	if (pid < 0)
		broken("fork");
	if (pid == 0) {
		setpgid(0, 0);
		dial_peer();
		alarm(CASE_S);
		c->run();
		exit(0);
	}
	setpgid(pid, pid);
	waitpid(pid, &status, 0);
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status))
		say("SIG%s", sigabbrev_np(WTERMSIG(status)));
	else if (status != 0)
		say("status %d", WEXITSTATUS(status));
}

/* An ordinary user's, whoever began this: what needs a privilege on the
 * kernel's TCP is to need it everywhere. */
static void
drop_privileges(void)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	if (syscall(SYS_capset, &head, none) != 0)
		broken("capset");
}

/* Does the name begin as one of these?  None: as any. */
static bool
wanted(const char *name, char **only)
{
	if (*only == NULL)
		return true;
	for (; *only != NULL; only++)
		if (strncmp(name, *only, strlen(*only)) == 0)
			return true;
	return false;
}

static int
subject_main(char **only)
{
	char name[128];
	size_t i, j, ran = 0;

	/* Cases take numbers, and write to them. */
	closefrom(3);
	drop_privileges();
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < NSUBJECTS; i++) {
		for (j = 0; j < subjects[i]->n; j++) {
			snprintf(name, sizeof name, "%s/%s", subjects[i]->name,
			    subjects[i]->cases[j].name);
			if (!wanted(name, only))
				continue;
			run_case(subjects[i], &subjects[i]->cases[j]);
			ran++;
		}
	}
	if (getenv("CASES_QUIT") != NULL) {
		dial_peer();
		if (write(ctl, "quit\n", 5) < 0)
			broken("quit");
	}
	return ran > 0 ? 0 : 2;
}

static int
list_main(void)
{
	size_t i, j;

	for (i = 0; i < NSUBJECTS; i++)
		for (j = 0; j < subjects[i]->n; j++)
			printf("%s/%s\n", subjects[i]->name,
			    subjects[i]->cases[j].name);
	return 0;
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
	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list_main();
	if (argc == 3 && strcmp(argv[1], "peer") == 0)
		return peer_main();
	if (argc == 3 && strcmp(argv[1], "fd") == 0)
		return case_inherited(atoi(argv[2]));
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		return subject_main(argv + 3);
	fputs("usage: cases list | peer PATH | run PATH [NAME]...\n", stderr);
	return 2;
}
