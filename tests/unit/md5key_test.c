/* SPDX-License-Identifier: ISC */
/*
 * Keys of TCP_MD5SIG: what setsockopt() takes, compared with the running
 * kernel where it signs; what a descriptor keeps of them; the digest itself.
 */
#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/tcp.h>
#include "crypto/crypto.h"
#include "ipc/md5key.h"
#include "ipc/sockopt.h"

#define N(a) (sizeof(a) / sizeof(a)[0])

/* RFC 1321 A.5, in pieces. */
Test(md5key, digest)
{
	static const uint8_t want[16] = {0xc3, 0xfc, 0xd3, 0xd7, 0x61, 0x92,
	    0xe4, 0x00, 0x7d, 0xfb, 0x49, 0x6c, 0xca, 0x67, 0xe1, 0x3b};
	char text[] = "abcdefghijklmnopqrstuvwxyz";
	struct span in[] = {{text, 3}, {text + 3, 0}, {text + 3, 23}};
	uint8_t got[16];

	crypto_digest.md5(in, 3, got);
	cr_assert_arr_eq(got, want, 16);
}

static struct tcp_md5sig
value(const char *addr, uint8_t flags, uint8_t plen, uint16_t len)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
	struct tcp_md5sig m = {
	    .tcpm_flags = flags, .tcpm_prefixlen = plen, .tcpm_keylen = len};

	if (inet_pton(AF_INET, addr, &sin.sin_addr) == 1)
		memcpy(&m.tcpm_addr, &sin, sizeof sin);
	else if (inet_pton(AF_INET6, addr, &sin6.sin6_addr) == 1)
		memcpy(&m.tcpm_addr, &sin6, sizeof sin6);
	memset(m.tcpm_key, 'k', sizeof m.tcpm_key);
	return m;
}

struct row {
	int family, name;
	const char *addr;
	uint8_t flags, plen;
	uint16_t len;
	int ifindex;
	uint32_t short_by;
};

#define PREFIX	TCP_MD5SIG_FLAG_PREFIX
#define IFINDEX TCP_MD5SIG_FLAG_IFINDEX

/* One after the other on one socket of each family. */
static const struct row rows[] = {
    {AF_INET, TCP_MD5SIG, "192.0.2.1", 0, 0, 5, 0, 0},
    {AF_INET, TCP_MD5SIG, "192.0.2.1", 0, 0, 80, 0, 0},
    {AF_INET, TCP_MD5SIG, "192.0.2.1", 0, 0, 81, 0, 0},
    {AF_INET, TCP_MD5SIG, "192.0.2.1", PREFIX, 99, 5, 0, 0},
    {AF_INET, TCP_MD5SIG, "192.0.2.1", 0, 0, 5, 0, 1},
    {AF_INET, TCP_MD5SIG, "2001:db8::1", 0, 0, 5, 0, 0},
    {AF_INET, TCP_MD5SIG, "neither", 0, 0, 5, 0, 0},
    {AF_INET, TCP_MD5SIG_EXT, "198.51.100.0", PREFIX, 24, 5, 0, 0},
    {AF_INET, TCP_MD5SIG_EXT, "198.51.100.7", PREFIX, 33, 5, 0, 0},
    {AF_INET, TCP_MD5SIG_EXT, "0.0.0.0", PREFIX, 0, 5, 0, 0},
    {AF_INET, TCP_MD5SIG_EXT, "192.0.2.7", IFINDEX, 0, 5, 1, 0},
    {AF_INET, TCP_MD5SIG_EXT, "192.0.2.7", IFINDEX, 0, 5, 0, 0},
    {AF_INET, TCP_MD5SIG, "192.0.2.99", 0, 0, 0, 0, 0},
    {AF_INET, TCP_MD5SIG, "192.0.2.1", 0, 0, 0, 0, 0},
    {AF_INET, TCP_MD5SIG, "192.0.2.1", 0, 0, 0, 0, 0},
    {AF_INET, TCP_MD5SIG_EXT, "198.51.100.0", PREFIX, 25, 0, 0, 0},
    {AF_INET, TCP_MD5SIG_EXT, "198.51.100.0", PREFIX, 24, 0, 0, 0},
    {AF_INET6, TCP_MD5SIG, "2001:db8::1", 0, 0, 5, 0, 0},
    {AF_INET6, TCP_MD5SIG, "192.0.2.1", 0, 0, 5, 0, 0},
    {AF_INET6, TCP_MD5SIG, "::ffff:192.0.2.1", 0, 0, 5, 0, 0},
    {AF_INET6, TCP_MD5SIG_EXT, "::ffff:192.0.2.0", PREFIX, 24, 5, 0, 0},
    {AF_INET6, TCP_MD5SIG_EXT, "::ffff:192.0.2.0", PREFIX, 33, 5, 0, 0},
    {AF_INET6, TCP_MD5SIG_EXT, "2001:db8::", PREFIX, 32, 5, 0, 0},
    {AF_INET6, TCP_MD5SIG_EXT, "2001:db8::", PREFIX, 129, 5, 0, 0},
    {AF_INET6, TCP_MD5SIG_EXT, "2001:db8::9", IFINDEX, 0, 5, 1, 0},
    {AF_INET6, TCP_MD5SIG, "2001:db8::1", 0, 0, 0, 0, 0},
    {AF_INET6, TCP_MD5SIG, "2001:db8::1", 0, 0, 0, 0, 0},
};

Test(md5key, errnos_are_the_kernels)
{
	struct md5keys held[2] = {{0}};
	int fd[2] = {
	    socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET6, SOCK_STREAM, 0)};
	struct tcp_md5sig m = value("192.0.2.200", 0, 0, 1);
	struct md5key k;
	size_t i;

	if (setsockopt(fd[0], IPPROTO_TCP, TCP_MD5SIG, &m, sizeof m) != 0)
		cr_skip("this kernel has no TCP_MD5SIG");
	for (i = 0; i < N(rows); i++) {
		const struct row *r = &rows[i];
		uint32_t len = (uint32_t)sizeof m - r->short_by;
		bool six = r->family == AF_INET6;
		int want = 0, got;

		m = value(r->addr, r->flags, r->plen, r->len);
		m.tcpm_ifindex = r->ifindex;
		if (setsockopt(fd[six], IPPROTO_TCP, r->name, &m, len) != 0)
			want = errno;
		got = md5key_parse(&k, six, r->name, &m, len);
		if (got == 0)
			got = md5keys_set(&held[six], &k);
		cr_assert_eq(got, want, "row %zu, %s: %s, the kernel says %s",
		    i, r->addr, strerror(got), strerror(want));
	}
	close(fd[0]);
	close(fd[1]);
}

static struct md5key
key_of(bool ipv6, const char *addr, uint8_t plen, const char *text)
{
	struct tcp_md5sig m = value(addr, PREFIX, plen, (uint16_t)strlen(text));
	struct md5key k;

	memcpy(m.tcpm_key, text, strlen(text));
	cr_assert_eq(md5key_parse(&k, ipv6, TCP_MD5SIG_EXT, &m, sizeof m), 0);
	return k;
}

/* With options in front, as a descriptor has it. */
Test(md5key, journal_keeps_all_of_them)
{
	uint32_t words[SOCKOPT_JOURNAL_MAX + MD5KEYS_JOURNAL_MAX];
	struct sockopts o = {0}, o2 = {0};
	struct md5keys s = {0}, s2;
	char text[MD5KEY_MAX + 1] = "";
	int one = 1;
	size_t n, i;

	cr_assert_eq(
	    sockopt_set(&o, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
	for (i = 0; i < MD5KEY_HELD; i++) {
		char addr[32];
		struct md5key k;

		memset(text, 'a' + (int)i, i * 5 + 5);
		snprintf(addr, sizeof addr, "192.0.2.%zu", i);
		k = key_of(false, addr, 32, text);
		cr_assert_eq(md5keys_set(&s, &k), 0);
		cr_assert_eq(md5keys_set(&s, &k), 0, "the same once more");
	}
	cr_assert_eq(s.n, MD5KEY_HELD);
	s2.key[0] = key_of(false, "192.0.2.99", 32, "one too many");
	cr_assert_eq(md5keys_set(&s, &s2.key[0]), ENOMEM);
	n = sockopt_journal_put(&o, words, SOCKOPT_JOURNAL_MAX);
	n += md5keys_journal_put(&s, words + n);
	cr_assert_leq(n, N(words));
	md5keys_journal_get(&s2, words, n);
	cr_assert_eq(memcmp(&s, &s2, sizeof s), 0);
	cr_assert_eq(sockopt_journal_get(&o2, words, n), 0);
	cr_assert_eq(memcmp(&o, &o2, sizeof o), 0);
	/* Nothing that a program left there itself does harm. */
	for (i = 0; i < n; i++) {
		words[i] ^= 0x5a5a5a5a;
		md5keys_journal_get(&s2, words, n);
		cr_assert_leq(s2.n, MD5KEY_HELD);
	}
}

Test(md5key, the_longest_prefix_is_found_and_goes_with_a_hello)
{
	uint8_t buf[SOCKOPT_PACK_MAX + MD5KEY_PACK_MAX];
	struct ipaddr peer = ipaddr_v4(0xc0000207), other = {{0x20, 1}};
	struct md5keys s = {0}, got;
	struct sockopts o = {0}, o2 = {0};
	struct md5key k;
	int one = 1;
	uint32_t n, keys;
	size_t len;

	cr_assert_null(md5keys_find(&s, &peer));
	k = key_of(true, "::", 0, "of all of IPv6");
	md5keys_set(&s, &k);
	cr_assert_null(md5keys_find(&s, &peer));
	cr_assert_not_null(md5keys_find(&s, &other));
	k = key_of(true, "::ffff:192.0.2.0", 24, "of the net");
	md5keys_set(&s, &k);
	k = key_of(true, "::ffff:0.0.0.0", 0, "of all");
	md5keys_set(&s, &k);
	cr_assert_str_eq(
	    (const char *)md5keys_find(&s, &peer)->key, "of the net");
	sockopt_set(&o, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	len = sockopt_pack(&o, buf, sizeof buf, &n);
	len += md5keys_pack(&s, &peer, buf + len, &keys);
	cr_assert_eq(keys, 1);
	cr_assert_eq(sockopt_unpack(&o2, buf, len, n + 1), 0);
	cr_assert_eq(sockopt_val(&o2, OPT_TCP_NODELAY, 0), 1);
	cr_assert_eq(md5keys_unpack(&got, buf, len, n + 1), 0);
	cr_assert_eq(got.n, 1);
	cr_assert_eq(memcmp(&got.key[0], md5keys_find(&s, &peer), sizeof k), 0);
	cr_assert_eq(md5keys_unpack(&got, buf, len - 1, n + 1), EINVAL);
}
