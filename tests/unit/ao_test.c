/* SPDX-License-Identifier: ISC */
/*
 * TCP-AO against the segments of RFC 9235: both algorithms of RFC 5926, both
 * families, other options covered or not; and what a descriptor keeps of keys.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "crypto/crypto.h"
#include "ipc/aokey.h"
#include "tcp/internal.h"

#define N(a) (sizeof(a) / sizeof(a)[0])

/* A TCP segment of one of the RFC's connections: from the client, to port 179,
 * or from the server.  Initial numbers: its sender's, its receiver's. */
struct vector {
	const char *section;
	enum tcp_ao_alg alg;
	bool no_options, ipv6;
	uint32_t from, to;
	const char *hex;
};

static const struct vector vectors[] = {
    {"4.1.1", TCP_AO_SHA1, false, false, 0xfbfbab5au, 0x00000000u,
	"e9d700b3fbfbab5a00000000e002ffffcac40000020405b4"
	"010303080402080a00155ab7000000001d103d542ee437c6"
	"f8ede6d7c4d602e7"},
    {"4.1.2", TCP_AO_SHA1, false, false, 0x11c14261u, 0xfbfbab5au,
	"00b3e9d711c14261fbfbab5be012ffff37760000020405b4"
	"010303080402080a84a50beb00155ab71d10543deeab0fe2"
	"4c3010815116b3be"},
    {"4.1.3", TCP_AO_SHA1, false, false, 0xfbfbab5au, 0x11c14261u,
	"e9d700b3fbfbab5b11c14262c0180104a16200000101080a"
	"00155ac184a50beb1d103d547064cf998cc6c315c2c2e2bf"
	"ffffffffffffffffffffffffffffffff00430104dabf00b4"
	"0a0b0c0d2602060104000100010202800002020200020242"
	"00020641040000dabf02084006006400010100"},
    {"4.1.4", TCP_AO_SHA1, false, false, 0x11c14261u, 0xfbfbab5au,
	"00b3e9d711c14262fbfbab9ec0180100400c00000101080a"
	"84a50bf500155ac11d10543da63f0ecbbb2e635c954deac7"
	"ffffffffffffffffffffffffffffffff00430104dac000b4"
	"ac1b1c1d2602060104000100010202800002020200020242"
	"00020641040000dac002084006006400010100"},
    {"4.2.1", TCP_AO_SHA1, true, false, 0xcb0efbeeu, 0x00000000u,
	"ff1200b3cb0efbee00000000e002ffff541f0000020405b4"
	"010303080402080a00024cce000000001d103d5480af3cfe"
	"b85368937b8f9ec2"},
    {"4.2.2", TCP_AO_SHA1, true, false, 0xacd5b5e1u, 0xcb0efbeeu,
	"00b3ff12acd5b5e1cb0efbefe012ffff388e0000020405b4"
	"010303080402080a576772f300024cce1d10543d09306f9a"
	"cea63a8c68cb9a70"},
    {"4.2.3", TCP_AO_SHA1, true, false, 0xcb0efbeeu, 0xacd5b5e1u,
	"ff1200b3cb0efbefacd5b5e2c01801046c4500000101080a"
	"00024cce576772f31d103d54710608cc696c03a271c93aa5"
	"ffffffffffffffffffffffffffffffff00430104dabf00b4"
	"0a0b0c0d2602060104000100010202800002020200020242"
	"00020641040000dabf02084006006400010100"},
    {"4.2.4", TCP_AO_SHA1, true, false, 0xacd5b5e1u, 0xcb0efbeeu,
	"00b3ff12acd5b5e2cb0efc32c018010046b600000101080a"
	"576772f300024cce1d10543d97766e48ac262de9ae61b4f9"
	"ffffffffffffffffffffffffffffffff00430104dac000b4"
	"ac1b1c1d2602060104000100010202800002020200020242"
	"00020641040000dac002084006006400010100"},
    {"5.1.1", TCP_AO_AES128, false, false, 0x787a1ddfu, 0x00000000u,
	"c4fa00b3787a1ddf00000000e002ffff5a0f0000020405b4"
	"010303080402080a00017ed0000000001d103d54e477e99c"
	"8040765498e55091"},
    {"6.1.1", TCP_AO_SHA1, false, true, 0x176a833fu, 0x00000000u,
	"f7e400b3176a833f00000000e002ffff47210000020405a0"
	"010303080402080a0041d087000000001d103d549033ec3d"
	"7334b64c5edd039f"},
    {"6.1.2", TCP_AO_SHA1, false, true, 0x3f51994bu, 0x176a833fu,
	"00b3f7e43f51994b176a8340e012ffffbfec0000020405a0"
	"010303080402080abd33129b0041d0871d10543df1cba346"
	"c3526163f71f1f55"},
    {"6.2.2", TCP_AO_SHA1, true, true, 0xeba3734du, 0x020c1e69u,
	"00b3c6cdeba3734d020c1e6ae012ffff774d0000020405a0"
	"010303080402080a5ec99b70009db95b1d10543d3c546bad"
	"9743f12df8b8010d"},
    {"6.2.4", TCP_AO_SHA1, true, true, 0xeba3734du, 0x020c1e69u,
	"00b3c6cdeba3734e020c1eadc0180100716a00000101080a"
	"5ec99b7a009db9651d10543d559a819445b4fde98d9e1317"
	"ffffffffffffffffffffffffffffffff00430104fde800b4"
	"0101017a2602060104000100010202800002020200020242"
	"00020641040000fde802084006006400010100"},
    {"7.1.2", TCP_AO_AES128, false, true, 0xa6744ecbu, 0x193cccecu,
	"00b3f85aa6744ecb193cccede012ffffeabb0000020405a0"
	"010303080402080a71daabc813e4ab991d10543ddc2843a8"
	"4e78a6bcfdc5ed80"},
    {"7.1.4", TCP_AO_AES128, false, true, 0xa6744ecbu, 0x193cccecu,
	"00b3f85aa6744ecc193ccd30c018010052f400000101080a"
	"71daabd313e4aba31d10543dc1069b7dfd3d693a6df3f289"
	"ffffffffffffffffffffffffffffffff00430104fde800b4"
	"0101017a2602060104000100010202800002020200020242"
	"00020641040000fde802084006006400010100"},
    {"7.2.1", TCP_AO_AES128, true, true, 0xb01da74au, 0x00000000u,
	"f28800b3b01da74a00000000e002ffff75ff0000020405a0"
	"010303080402080a14275b3b000000001d103d543d45b434"
	"2de8bb1530847898"},
    {"7.2.2", TCP_AO_AES128, true, true, 0xa6246145u, 0xb01da74au,
	"00b3f288a6246145b01da74be012ffffa70c0000020405a0"
	"010303080402080a1782245b14275b3b1d10543d1d01f6c8"
	"7c6f93acffa9d4b5"},
};

static struct ipaddr
address(bool ipv6, bool client)
{
	struct ipaddr a = {{0xfd}};

	if (!ipv6)
		return ipaddr_v4(client ? 0x0a0b0c0d : 0xac1b1c1d);
	a.b[15] = client ? 1 : 2;
	return a;
}

static size_t
bytes(const char *hex, uint8_t *out)
{
	size_t n = 0;

	for (; hex[2 * n] != '\0'; n++) {
		char two[3] = {hex[2 * n], hex[2 * n + 1], '\0'};

		out[n] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

static struct tcp *
layer(struct drops *drops)
{
	static struct bufpool *bufs;
	struct tcp_config cfg = {.drops = drops, .digest = &crypto_digest};

	if (bufs == NULL)
		bufs = bufpool_new(1 << 20);
	cfg.bufs = bufs;
	return tcp_new(&cfg, (mono_t){0});
}

/* Is the segment good for a half-open connection of its receiver's? */
static bool
taken(const struct vector *v, struct buf *buf, size_t len, const char *key)
{
	struct tcp_in in = {.buf = buf, .len = (uint32_t)len};
	struct tcp_half h = {.node.kind = NODE_HALF, .ao = true};
	struct tcp_ao_key k = {.plen = 128,
	    .alg = (uint8_t)v->alg,
	    .no_options = v->no_options,
	    .maclen = 12,
	    .len = (uint8_t)strlen(key)};
	bool client = buf->data[3] == 179, good;
	struct seg s = {.in = &in};
	struct drops drops = {0};
	struct tcp *t = layer(&drops);
	struct tcp_bind *b;

	in.src = k.addr = address(v->ipv6, client);
	in.dst = address(v->ipv6, !client);
	k.sndid = client ? 84 : 61;
	k.rcvid = client ? 61 : 84;
	memcpy(k.key, key, k.len);
	cr_assert_eq(tcp_bind(t, &in.dst, 179, 0, 0, NULL, &b), 0);
	cr_assert_eq(tcp_ao_add(b, NULL, &k), 0);
	h.listener = b;
	h.iss = SEQ(v->to);
	h.irs = SEQ(v->from);
	cr_assert_eq(wire_tcp_parse(buf->data, len, &s.h), 0);
	s.id = (struct tuple){in.dst, in.src, s.h.dport, s.h.sport};
	s.seq = SEQ(s.h.seq);
	s.ack = SEQ(s.h.ack);
	good = md5_input(t, &h.node, &s);
	cr_assert_eq(s.by.ao != NULL, good);
	tcp_free(t);
	return good;
}

Test(ao, segments_of_rfc_9235)
{
	struct bufpool *pool = bufpool_new(1 << 20);
	struct buf *buf = buf_alloc(pool, 2048);
	size_t i, len;

	for (i = 0; i < N(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct vector other = *v;

		len = bytes(v->hex, buf->data);
		cr_expect(taken(v, buf, len, "testvector"), "%s", v->section);
		cr_expect_not(taken(v, buf, len, "testvectoR"), "%s: its key",
		    v->section);
		other.no_options = !v->no_options;
		cr_expect_not(taken(&other, buf, len, "testvector"),
		    "%s: its options", v->section);
		if ((buf->data[13] & 0x12) != 2) {
			other = *v;
			other.to++;
			cr_expect_not(taken(&other, buf, len, "testvector"),
			    "%s: numbers", v->section);
		}
		buf->data[15] ^= 1;
		cr_expect_not(taken(v, buf, len, "testvector"),
		    "%s: a bit of it", v->section);
	}
	buf_unref(buf);
	bufpool_free(pool);
}

static struct md5key
key_of(uint8_t sndid, uint8_t rcvid, uint8_t flags)
{
	struct md5key k = {.addr = ipaddr_v4(0xc0000201),
	    .plen = 128,
	    .len = 6,
	    .ao = TCP_AO_AES128 + 1,
	    .sndid = sndid,
	    .rcvid = rcvid,
	    .maclen = 12,
	    .flags = flags,
	    .key = "secret"};

	return k;
}

Test(ao, a_descriptor_keeps_keys_and_what_is_asked_of_them)
{
	uint32_t words[MD5KEYS_JOURNAL_MAX];
	uint8_t value[MD5KEY_VALUE], buf[MD5KEY_PACK_MAX];
	struct ipaddr peer = ipaddr_v4(0xc0000201), no = ipaddr_v4(1);
	struct md5keys s = {0}, s2;
	struct md5key k = key_of(1, 2, AOKEY_NO_OPTIONS), k2;
	struct tcp_ao_info i = {.current = 3, .rnext = 2, .required = true};
	struct aokey_del d = {.k = k, .want = {-1, -1}};
	uint32_t n;
	size_t len;

	cr_assert_eq(aokeys_get(&s, &i), ENOENT);
	cr_assert_eq(aokeys_add(&s, &k), 0);
	k = key_of(3, 2, 0);
	cr_assert_eq(aokeys_add(&s, &k), EEXIST);
	k.rcvid = 4;
	cr_assert_eq(aokeys_add(&s, &k), 0);
	cr_assert_eq(aokeys_set(&s, &i), 0);
	cr_assert_eq(aokeys_del(&s, &d), EBUSY);
	n = (uint32_t)md5keys_journal_put(&s, words);
	cr_assert_leq(n, N(words));
	md5keys_journal_get(&s2, words, n);
	cr_assert_eq(memcmp(&s, &s2, sizeof s), 0);
	len = md5keys_pack(&s, &peer, buf, &n);
	cr_assert_eq(n, 3);
	cr_assert_eq(md5keys_unpack(&s2, buf, len, n), 0);
	cr_assert_eq(memcmp(&s, &s2, sizeof s), 0);
	cr_assert_eq(md5keys_unpack(&s2, buf, len - 1, n), EINVAL);
	md5keys_pack(&s, &no, buf, &n);
	cr_assert_eq(n, 1, "what is asked goes without a key, too");
	aokey_value(&s.key[0], false, value);
	cr_assert_eq(aokey_parse(&k2, false, value, sizeof value), 0);
	cr_assert_eq(memcmp(&k2, &s.key[0], sizeof k2), 0);
	cr_assert_eq(aokey_parse(&k2, true, value, sizeof value), EINVAL);
	cr_assert_eq(aokey_parse(&k2, false, value, 287), EINVAL);
	d.want.rnext = 4;
	cr_assert_eq(aokeys_del(&s, &d), 0);
	cr_assert_eq(s.n, 1);
	/* A journal that somebody else wrote. */
	for (n = 0; n < N(words); n++) {
		words[n] ^= 0xffffff00;
		md5keys_journal_get(&s2, words, N(words));
		cr_assert_leq(s2.n, MD5KEY_HELD);
		for (len = 0; len < s2.n; len++)
			cr_assert_leq(s2.key[len].ao, AOKEY_ALGS);
	}
}
