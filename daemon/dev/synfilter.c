/* SPDX-License-Identifier: ISC */
/*
 * Of many SYNs some: a filter in the kernel, so that those that are too many
 * cost no wake-up, no copy and no place in the device's queue.
 *
 * SYNs are put into groups by source address and port; one group at a time gets
 * through, and the caller opens another from time to time.  So a client who
 * tries again gets through soon, which dice would not promise.  Which SYNs are
 * of one group depends on a key: a flood that is aimed at the open one would
 * get past the filter, and only its victims would not.  All that is no first
 * SYN passes; so do fragments, IPv6 with extension headers and what is neither
 * IPv4 nor IPv6.
 */
#include "config.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <errno.h>
#include <string.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include "dev/adapter.h"

#define ETH		14
#define TCP_SPORT	0
#define TCP_FLAGS	13
#define SYN		0x02
#define FIN_SYN_RST_ACK 0x17

#define GROUP_BITS 8

#define SYN_CODE 27

/* Statements before others that they fall through to where a frame passes. */
static unsigned
syn_code(struct sock_filter *code, uint32_t mask, uint32_t open, uint32_t key)
{
	const struct sock_filter c[SYN_CODE] = {
	    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 7),
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH + 9), /* protocol */
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 23),
	    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, ETH + 6), /* fragment */
	    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 21, 0),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ETH + 12), /* source */
	    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, ETH),
	    BPF_STMT(BPF_JMP | BPF_JA, 5),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 17),
	    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH + 6), /* next header */
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 15),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ETH + 20), /* source's end */
	    BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 40),
	    BPF_STMT(BPF_ST, 0),
	    BPF_STMT(BPF_LD | BPF_B | BPF_IND, ETH + TCP_FLAGS),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, FIN_SYN_RST_ACK),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 9),
	    BPF_STMT(BPF_LD | BPF_H | BPF_IND, ETH + TCP_SPORT),
	    BPF_STMT(BPF_LDX | BPF_W | BPF_MEM, 0),
	    BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 16),
	    BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
	    /* The high bits of a product depend on all below them. */
	    BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, key | 1),
	    BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 32 - GROUP_BITS),
	    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, open, 1, 0),
	    BPF_STMT(BPF_RET | BPF_K, 0),
	};

	memcpy(code, c, sizeof c);
	return SYN_CODE;
}

int
dev_syn_filter(struct dev *d, uint32_t mask, uint32_t open, uint32_t key)
{
	const struct dev_caps *caps = dev_caps(d);
	struct sock_filter code[SYN_CODE + STATION_CODE];
	struct sock_fprog prog = {0, code};
	int rc;

	if (caps->kind == DEV_XDP)
		return -EOPNOTSUPP;
	if (mask != 0)
		prog.len = (unsigned short)syn_code(code, mask, open, key);
	if (caps->kind == DEV_PACKET) {
		prog.len += station_code(code + prog.len, caps->mac);
		rc = setsockopt(dev_fd(d), SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		    sizeof prog);
	} else {
		code[prog.len++] =
		    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
		rc = ioctl(dev_fd(d),
		    mask != 0 ? TUNATTACHFILTER : TUNDETACHFILTER, &prog);
	}
	return rc < 0 ? -errno : 0;
}

static unsigned
half_word(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

bool
dev_syn_filtered(const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + ETH;
	size_t tcp;

	if (len < ETH + 20)
		return false;
	switch (half_word(frame + 12)) {
	case ETH_P_IP:
		tcp = ETH + 4u * (ip[0] & 15u);
		if (ip[9] != IPPROTO_TCP || (half_word(ip + 6) & 0x3fff) != 0)
			return false;
		break;
	case ETH_P_IPV6:
		tcp = ETH + 40;
		if (ip[6] != IPPROTO_TCP)
			return false;
		break;
	default:
		return false;
	}
	return len > tcp + TCP_FLAGS &&
	       (frame[tcp + TCP_FLAGS] & FIN_SYN_RST_ACK) == SYN;
}
