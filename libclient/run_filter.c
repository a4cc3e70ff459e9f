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
 * (attaching by ptrace, process_vm_writev).
 *
 * This holds for each system call interface of the machine.  By those that are
 * not ours (32 bits, x32) only AF_UNIX is to be had, and on 32-bit x86 by
 * socket() alone: socketcall() has its arguments in memory, where no filter can
 * look.  Numbers are compared in 32 bits, as the
 * kernel takes them: the upper half of a register is no way around.
 *
 * A filter needs no_new_privs unless the caller has CAP_SYS_ADMIN; then
 * set-user-ID programs keep their meaning, and the filter.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>
#include "run.h"
#include "sys.h"

/* Above it all families are refused. */
#define FAMILY_MAX   AF_ALG
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
	unsigned i;
	int r = 0;

	for (i = 0; i < sizeof whole / sizeof whole[0] && r == 0; i++)
		r = seccomp_rule_add(
		    ctx, SCMP_ACT_ERRNO(whole[i].err), whole[i].call, 0);
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
		    SCMP_SYS(ptrace), 1, ARG_IS(0, PTRACE_ATTACH));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
		    SCMP_SYS(ptrace), 1, ARG_IS(0, PTRACE_SEIZE));
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
