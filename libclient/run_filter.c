/* SPDX-License-Identifier: ISC */
/*
 * The filters of tcpd-run, made with libseccomp.
 *
 * --no-bypass: no socket of the kernel's IP comes into being.  socket() makes
 * those of the families that cannot carry IP (filter_harmless()) and of no
 * other one: SMC, RDS, RxRPC, PPPoX and the like have sockets of IP inside.
 * io_uring is refused as a whole, because what it does no filter sees, with
 * ENOSYS, after which libraries do without it.  Descriptors of other processes
 * cannot be had (pidfd_getfd, EPERM), nor can those processes be made to act
 * (attaching by ptrace, process_vm_writev), nor a shell by what it finds typed
 * on its terminal (TIOCSTI, TIOCLINUX), nor the kernel, which asks the DNS for
 * who wants such a key (request_key with something for its helper).
 *
 * This holds for each system call interface of the machine.  By those that are
 * not ours (32 bits, x32) only AF_UNIX is to be had, and on 32-bit x86 by
 * socket() alone: socketcall() has its arguments in memory, where no filter can
 * look.  Numbers are compared in 32 bits, as the
 * kernel takes them: the upper half of a register is no way around.
 *
 * The trap: what names or configures TCP raises a notification, judged by
 * registers alone.  read, write, send, recv, poll and close never do.
 *
 * A filter needs no_new_privs unless the caller has CAP_SYS_ADMIN; then
 * set-user-ID programs keep their meaning, and the filter.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>
#include "ipc/sockopt.h"
#include "run.h"
#include "sys.h"
#include "trap.h"

/* Linux 5.19. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* What is received is answered, whatever signals come in between: otherwise a
 * call that was made for the program would be made again. */
#define TRAP_FLAGS                                                             \
	(SECCOMP_FILTER_FLAG_NEW_LISTENER |                                    \
	    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)

/* Above it all families are refused. */
#define FAMILY_MAX AF_ALG
/* Options of SOL_SOCKET are numbered below. */
#define SO_MAX	   128

/* An argument as the kernel takes it, an int. */
#define ARG_IS(n, v) SCMP_CMP(n, SCMP_CMP_MASKED_EQ, 0xffffffffU, (uint32_t)(v))

static int
seccomp_filter(unsigned long flags, const struct sock_fprog *prog)
{
	return (int)SYS(
	    SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog, 0, 0, 0);
}

/* libseccomp 2.5 does not know of all flags. */
static int
install(unsigned long flags, const struct sock_fprog *prog)
{
	int r = seccomp_filter(flags, prog);

	if (r != -EACCES)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return seccomp_filter(flags, prog);
}

static int
load(scmp_filter_ctx ctx, unsigned long flags)
{
	int fd = memfd_create("filter", MFD_CLOEXEC), r;
	struct sock_fprog prog;
	off_t size;

	if (fd < 0)
		return -errno;
	r = seccomp_export_bpf(ctx, fd);
	size = lseek(fd, 0, SEEK_END);
	if (r == 0 && size <= 0)
		r = -EIO;
	if (r == 0) {
		prog.len =
		    (unsigned short)((size_t)size / sizeof(struct sock_filter));
		prog.filter =
		    mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
		r = prog.filter == MAP_FAILED ? -errno : install(flags, &prog);
		if (prog.filter != MAP_FAILED)
			munmap(prog.filter, (size_t)size);
	}
	close(fd);
	return r;
}

/* ---- --no-bypass ---- */

bool
filter_harmless(int family)
{
	return family == AF_UNIX || family == AF_NETLINK || family == AF_ALG;
}

/* The other interfaces that a process on this machine can make calls by. */
static unsigned
foreign(uint32_t arch[2])
{
	switch (seccomp_arch_native()) {
	case SCMP_ARCH_X86_64:
		arch[0] = SCMP_ARCH_X86;
		arch[1] = SCMP_ARCH_X32;
		return 2;
	case SCMP_ARCH_AARCH64:
		arch[0] = SCMP_ARCH_ARM;
		return 1;
	default:
		return 0;
	}
}

/* A family that the trap looks after, or another one that is refused. */
static int
family_errno(int family, bool trapped)
{
	if (filter_harmless(family))
		return 0;
	if (family == AF_INET || family == AF_INET6)
		return trapped ? 0 : EACCES;
	return family == AF_PACKET ? EPERM : EAFNOSUPPORT;
}

static int
refuse_families(scmp_filter_ctx ctx, bool trapped)
{
	int family, no, r;

	r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT),
	    SCMP_SYS(socket), 1, SCMP_A0_64(SCMP_CMP_GT, FAMILY_MAX));
	for (family = 0; family <= FAMILY_MAX && r == 0; family++) {
		no = family_errno(family, trapped);
		if (no != 0)
			r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(no),
			    SCMP_SYS(socket), 1, ARG_IS(0, family));
	}
	return r;
}

/* One rule, as libseccomp makes one of socketcall() of each. */
static int
refuse_foreign(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket),
	    1, SCMP_A0_32(SCMP_CMP_GT, AF_UNIX));
}

static int
refuse_ways_around(scmp_filter_ctx ctx)
{
	static const struct {
		int call, err;
	} whole[] = {
	    {SCMP_SYS(io_uring_setup), ENOSYS},
	    {SCMP_SYS(io_uring_enter), ENOSYS},
	    {SCMP_SYS(io_uring_register), ENOSYS},
	    {SCMP_SYS(pidfd_getfd), EPERM},
	    {SCMP_SYS(process_vm_writev), EPERM},
	};
	static const struct {
		int call;
		struct scmp_arg_cmp when;
	} some[] = {
	    {SCMP_SYS(ptrace), ARG_IS(0, PTRACE_ATTACH)},
	    {SCMP_SYS(ptrace), ARG_IS(0, PTRACE_SEIZE)},
	    {SCMP_SYS(ioctl), ARG_IS(1, TIOCSTI)},
	    {SCMP_SYS(ioctl), ARG_IS(1, TIOCLINUX)},
	    {SCMP_SYS(request_key), SCMP_CMP64(2, SCMP_CMP_NE, 0)},
	};
	unsigned i;
	int r = 0;

	for (i = 0; i < sizeof whole / sizeof whole[0] && r == 0; i++)
		r = seccomp_rule_add(
		    ctx, SCMP_ACT_ERRNO(whole[i].err), whole[i].call, 0);
	for (i = 0; i < sizeof some / sizeof some[0] && r == 0; i++)
		r = seccomp_rule_add_array(
		    ctx, SCMP_ACT_ERRNO(EPERM), some[i].call, 1, &some[i].when);
	return r;
}

static int
add_native(scmp_filter_ctx ctx, bool trapped)
{
	uint32_t arch[2];
	int r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    foreign(arch) > 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS));

	if (r == 0)
		r = refuse_families(ctx, trapped);
	if (r == 0)
		r = refuse_ways_around(ctx);
	return r != 0 ? r : load(ctx, 0);
}

static int
add_foreign(scmp_filter_ctx ctx)
{
	uint32_t arch[2];
	unsigned i, n = foreign(arch);
	int r;

	if (n == 0)
		return 0;
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	for (i = 0; i < n && r == 0; i++)
		r = seccomp_arch_add(ctx, arch[i]);
	if (r == 0)
		r = seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
	if (r == 0)
		r = refuse_foreign(ctx);
	if (r == 0)
		r = refuse_ways_around(ctx);
	return r != 0 ? r : load(ctx, 0);
}

int
filter_no_bypass(bool trapped)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (ctx == NULL)
		return -ENOMEM;
	r = add_native(ctx, trapped);
	seccomp_release(ctx);
	if (r != 0)
		return r;
	ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (ctx == NULL)
		return -ENOMEM;
	r = add_foreign(ctx);
	seccomp_release(ctx);
	return r;
}

int
filter_no_sockets(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (ctx == NULL)
		return -ENOMEM;
	r = refuse_families(ctx, false);
	if (r == 0)
		r = load(ctx, 0);
	seccomp_release(ctx);
	return r;
}

/* ---- the trap ---- */

/* Whatever is not of SOL_SOCKET, and what the descriptor has not natively. */
static int
trap_options(scmp_filter_ctx ctx, int call)
{
	int name, r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, call, 1,
		      SCMP_A1_64(SCMP_CMP_NE, SOL_SOCKET));

	for (name = 0; name < SO_MAX && r == 0; name++)
		if (name == SO_ERROR ||
		    sockopt_where(SOL_SOCKET, name) != SOCKOPT_NATIVE)
			r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, call, 2,
			    ARG_IS(1, SOL_SOCKET), ARG_IS(2, name));
	return r;
}

static int
trap_requests(scmp_filter_ctx ctx)
{
	unsigned req;
	int r = 0;

	if (trap_ioctl_size(SIOCOUTQ) > 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(ioctl), 1,
		    ARG_IS(1, SIOCOUTQ));
	if (r == 0 && trap_ioctl_size(FIONREAD) > 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(ioctl), 1,
		    ARG_IS(1, FIONREAD));
	for (req = 0x8900; req <= 0x89ff && r == 0; req++)
		if (trap_ioctl_size(req) > 0)
			r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY,
			    SCMP_SYS(ioctl), 1, ARG_IS(1, req));
	return r;
}

/* Calls with data go their way, but for addresses and rare flags.  Those that
 * have a message's address in memory are trapped for the sake of datagrams. */
static int
trap_data(scmp_filter_ctx ctx)
{
	static const struct {
		int call;
		struct scmp_arg_cmp when;
	} rules[] = {
	    {SCMP_SYS(sendto), SCMP_CMP64(4, SCMP_CMP_NE, 0)},
	    {SCMP_SYS(sendto),
		SCMP_CMP64(3, SCMP_CMP_MASKED_EQ, MSG_OOB, MSG_OOB)},
	    {SCMP_SYS(recvfrom), SCMP_CMP64(4, SCMP_CMP_NE, 0)},
	    {SCMP_SYS(recvfrom),
		SCMP_CMP64(3, SCMP_CMP_MASKED_EQ, MSG_TRUNC, MSG_TRUNC)},
	};
	static const int whole[] = {SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg),
	    SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg)};
	unsigned i;
	int r = 0;

	for (i = 0; i < sizeof rules / sizeof rules[0] && r == 0; i++)
		r = seccomp_rule_add_array(
		    ctx, SCMP_ACT_NOTIFY, rules[i].call, 1, &rules[i].when);
	for (i = 0; i < sizeof whole / sizeof whole[0] && r == 0; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, whole[i], 0);
	return r;
}

static int
trap_calls(scmp_filter_ctx ctx)
{
	static const int whole[] = {SCMP_SYS(connect), SCMP_SYS(bind),
	    SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4),
	    SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(shutdown)};
	static const int families[] = {AF_INET, AF_INET6};
	unsigned i;
	int r = 0;

	for (i = 0; i < 2 && r == 0; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(socket), 1,
		    ARG_IS(0, families[i]));
	for (i = 0; i < sizeof whole / sizeof whole[0] && r == 0; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, whole[i], 0);
	if (r == 0)
		r = trap_options(ctx, SCMP_SYS(setsockopt));
	if (r == 0)
		r = trap_options(ctx, SCMP_SYS(getsockopt));
	if (r == 0)
		r = trap_data(ctx);
	return r != 0 ? r : trap_requests(ctx);
}

int
filter_trap(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (ctx == NULL)
		return -ENOMEM;
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	if (r == 0)
		r = trap_calls(ctx);
	if (r == 0)
		r = load(ctx, TRAP_FLAGS);
	seccomp_release(ctx);
	return r;
}

bool
filter_can_trap(void)
{
	/* EFAULT: it knows the flags and only misses the program. */
	return seccomp_filter(TRAP_FLAGS, NULL) == -EFAULT;
}
