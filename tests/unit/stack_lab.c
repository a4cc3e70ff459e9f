/* SPDX-License-Identifier: ISC */
#include "stack_lab.h"

struct lab lab;

#define START_US 1000000000

void
lab_defaults(void)
{
	lab = (struct lab){.now = {START_US},
	    .cfg = {.mtu = 1500,
		.addrs = lab.addrs,
		.naddrs = 1,
		.routes = lab.routes,
		.nroutes = 1,
		.tx_csum = true,
		.tx_tso = true,
		.buf_bytes = 8 << 20,
		.tcp.seed = {1, 2}}};
	memcpy(lab.cfg.mac, our_mac, 6);
	lab.addrs[0] = (struct stack_addr){ipaddr_v4(OURS), 96 + 24};
	lab.routes[0] =
	    (struct stack_route){ipaddr_v4(0), ipaddr_v4(GATEWAY), 96};
}

void
lab_start(void)
{
	lab.s = stack_new(&lab.cfg, lab.now);
	cr_assert_not_null(lab.s);
}

void
lab_init(void)
{
	lab_defaults();
	lab_start();
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, OURS, OURS);
	silence();
	at(ms(2000));
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, OURS, OURS);
	silence();
	cr_assert(mono_is_never(stack_deadline(lab.s)));
	lab.now.us = START_US;
}

void
lab_end(void)
{
	while (stack_output(lab.s, &lab.f, lab.now))
		;
	stack_free(lab.s);
}

void
lab_defaults6(void)
{
	lab_defaults();
	lab.addrs[1] = (struct stack_addr){ours6, 64};
	lab.cfg.naddrs = 2;
}

static void
find_link_local(void *arg, const struct stack_addr_row *a)
{
	if (!ipaddr_is_v4(&a->addr) && ipaddr_is_link_local(&a->addr))
		lab.ll = a->addr;
}

void
lab_init6(void)
{
	lab_defaults6();
	lab_start();
	stack_foreach_addr(lab.s, find_link_local, NULL, lab.now);
	at(ms(2000));
	while (stack_output(lab.s, &lab.f, lab.now))
		;
	cr_assert(mono_is_never(stack_deadline(lab.s)));
	lab.now.us = START_US;
}

/* ---- in ---- */

void
peer_sends_off(const uint8_t *frame, size_t len, const struct offload *off)
{
	struct rxframe f = {.off = *off};

	f.buf = buf_alloc(stack_bufs(lab.s), len);
	cr_assert_not_null(f.buf);
	memcpy(f.buf->data, frame, len);
	f.buf->len = (uint32_t)len;
	stack_input(lab.s, &f, lab.now);
	cr_assert_null(f.buf);
}

void
peer_sends(const uint8_t *frame, size_t len)
{
	struct offload none = {0};

	peer_sends_off(frame, len, &none);
}

void
peer_sends_arp(const uint8_t dst[6], uint16_t op, const uint8_t sha[6],
    uint32_t spa, uint32_t tpa)
{
	struct wire_ether eth = {.type = WIRE_ETHER_ARP};
	struct wire_arp a = {.op = op, .spa = spa, .tpa = tpa};
	uint8_t frame[60] = {0}; /* padded, as Ethernet does */

	memcpy(eth.dst, dst, 6);
	memcpy(eth.src, sha, 6);
	memcpy(a.sha, sha, 6);
	wire_ether_emit(&eth, frame);
	wire_arp_emit(&a, frame + WIRE_ETHER_LEN);
	peer_sends(frame, sizeof frame);
}

void
peer_is_known(void)
{
	tcp_says(PEER, NULL, 0);
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, OURS, PEER);
	peer_sends_arp(our_mac, WIRE_ARP_REPLY, peer_mac, PEER, OURS);
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 20);
	silence();
}

size_t
make_packet(uint8_t *frame, uint32_t src, uint8_t proto, const void *payload,
    size_t len)
{
	struct wire_ether eth = {.type = WIRE_ETHER_IPV4};
	struct wire_ipv4 h = {.df = true,
	    .ttl = 64,
	    .proto = proto,
	    .src = src,
	    .dst = OURS,
	    .total_len = (uint16_t)(20 + len)};
	uint8_t *p = frame;

	memcpy(eth.dst, our_mac, 6);
	memcpy(eth.src, peer_mac, 6);
	p += wire_ether_emit(&eth, p);
	p += wire_ipv4_emit(&h, p);
	if (len > 0)
		memcpy(p, payload, len);
	return 34 + len;
}

void
fix_ip(uint8_t *frame)
{
	struct wire_csum c = WIRE_CSUM_INIT;
	uint8_t *p = frame + WIRE_ETHER_LEN;

	put16(p + WIRE_IPV4_CSUM_OFF, 0);
	wire_csum_add(&c, p, (size_t)(p[0] & 15) * 4);
	put16(p + WIRE_IPV4_CSUM_OFF, wire_csum_final(&c));
}

size_t
make_icmp(uint8_t *frame, uint8_t type, uint8_t code, uint32_t rest,
    const void *data, size_t len)
{
	static uint8_t msg[BUF_FRAME];
	struct wire_icmp m = {type, code, rest, data, len};

	wire_icmp_emit(&m, msg);
	if (len > 0)
		memcpy(msg + WIRE_ICMP_HDR, data, len);
	return make_packet(
	    frame, PEER, WIRE_PROTO_ICMP, msg, WIRE_ICMP_HDR + len);
}

size_t
make_packet6(uint8_t *frame, const struct ipaddr *src, const struct ipaddr *dst,
    uint8_t next, uint8_t hops, const void *payload, size_t len)
{
	struct wire_ether eth = {.type = WIRE_ETHER_IPV6};
	struct wire_ipv6 h = {.next = next,
	    .hop_limit = hops,
	    .src = *src,
	    .dst = *dst,
	    .payload_len = (uint16_t)len};
	uint8_t *p = frame;

	memcpy(eth.dst, our_mac, 6);
	if (ipaddr_is_multicast(dst)) {
		eth.dst[0] = eth.dst[1] = 0x33;
		memcpy(eth.dst + 2, dst->b + 12, 4);
	}
	memcpy(eth.src, peer_mac, 6);
	p += wire_ether_emit(&eth, p);
	p += wire_ipv6_emit(&h, p);
	if (len > 0)
		memcpy(p, payload, len);
	return 54 + len;
}

size_t
make_udp(uint8_t *frame, const struct ipaddr *src, uint16_t sport,
    uint16_t dport, const void *payload, size_t len)
{
	bool v4 = ipaddr_is_v4(src);
	struct ipaddr dst = v4 ? ipaddr_v4(OURS) : ours6;
	struct wire_udp h = {.sport = sport,
	    .dport = dport,
	    .len = (uint16_t)(WIRE_UDP_HDR + len)};
	struct wire_csum c = WIRE_CSUM_INIT;
	uint8_t text[65536];

	wire_udp_emit(&h, text);
	if (len > 0)
		memcpy(text + WIRE_UDP_HDR, payload, len);
	wire_csum_pseudo(&c, src, &dst, WIRE_PROTO_UDP, h.len);
	wire_csum_add(&c, text, h.len);
	put16(text + WIRE_UDP_CSUM_OFF, wire_csum_final(&c));
	if (v4)
		return make_packet(
		    frame, ipaddr_to_v4(src), WIRE_PROTO_UDP, text, h.len);
	return make_packet6(frame, src, &dst, WIRE_PROTO_UDP, 64, text, h.len);
}

void
peer_sends_icmp6(const uint8_t mac[6], const struct ipaddr *src,
    const struct ipaddr *dst, uint8_t type, uint32_t rest, const void *data,
    size_t len)
{
	static uint8_t frame[BUF_FRAME], msg[BUF_FRAME];
	struct wire_icmp m = {.type = type, .rest = rest, data, len};
	size_t n;

	wire_icmp6_emit(&m, src, dst, msg);
	if (len > 0)
		memcpy(msg + WIRE_ICMP_HDR, data, len);
	n = make_packet6(
	    frame, src, dst, WIRE_PROTO_ICMP6, 255, msg, WIRE_ICMP_HDR + len);
	memcpy(frame + 6, mac, 6);
	peer_sends(frame, n);
}

struct ipaddr
solicited_node(const struct ipaddr *a)
{
	return (struct ipaddr){
	    {0xff, 0x02, [11] = 1, 0xff, a->b[13], a->b[14], a->b[15]}};
}

static size_t
target_and_lla(
    uint8_t *p, const struct ipaddr *target, uint8_t type, const uint8_t *lla)
{
	memcpy(p, target->b, 16);
	return 16 + (lla != NULL ? wire_nd_lla_emit(type, lla, p + 16) : 0);
}

void
peer_sends_ns(const uint8_t mac[6], const struct ipaddr *src,
    const struct ipaddr *dst, const struct ipaddr *target, const uint8_t *lla)
{
	uint8_t data[24];
	size_t n = target_and_lla(data, target, WIRE_ND_SOURCE_LLA, lla);

	peer_sends_icmp6(mac, src, dst, WIRE_ICMP6_NS, 0, data, n);
}

void
peer_sends_na(const uint8_t mac[6], const struct ipaddr *src,
    const struct ipaddr *dst, const struct ipaddr *target, uint32_t flags,
    const uint8_t *lla)
{
	uint8_t data[24];
	size_t n = target_and_lla(data, target, WIRE_ND_TARGET_LLA, lla);

	peer_sends_icmp6(mac, src, dst, WIRE_ICMP6_NA, flags, data, n);
}

/* ---- out ---- */

void
stack_sends(void)
{
	size_t len = 0;
	unsigned i;

	cr_assert(stack_output(lab.s, &lab.f, lab.now), "nothing was sent");
	for (i = 0; i < lab.f.nspans; i++) {
		memcpy(lab.sent + len, lab.f.spans[i].base, lab.f.spans[i].len);
		len += lab.f.spans[i].len;
	}
	cr_assert_eq(len, lab.f.len);
	lab.sent_len = len;
	cr_assert_arr_eq(lab.sent + 6, our_mac, 6);
}

void
stack_sends_arp(const uint8_t dst[6], uint16_t op, uint32_t spa, uint32_t tpa)
{
	struct wire_arp a;

	stack_sends();
	cr_assert_arr_eq(lab.sent, dst, 6);
	cr_assert_eq(get16(lab.sent + 12), WIRE_ETHER_ARP);
	cr_assert_eq(lab.sent_len, WIRE_ETHER_LEN + WIRE_ARP_LEN);
	cr_assert_eq(wire_arp_parse(lab.sent + WIRE_ETHER_LEN,
			 lab.sent_len - WIRE_ETHER_LEN, &a),
	    0);
	cr_assert_eq(a.op, op);
	cr_assert_arr_eq(a.sha, our_mac, 6);
	cr_assert_eq(a.spa, spa);
	cr_assert_eq(a.tpa, tpa);
	cr_assert(!lab.f.off.needs_csum && lab.f.off.gso == GSO_NONE);
}

const uint8_t *
stack_sends_packet(
    const uint8_t dst_mac[6], uint32_t dst, uint8_t proto, size_t payload)
{
	struct wire_ipv4 h;

	stack_sends();
	cr_assert_arr_eq(lab.sent, dst_mac, 6);
	cr_assert_eq(get16(lab.sent + 12), WIRE_ETHER_IPV4);
	cr_assert_eq(wire_ipv4_parse(lab.sent + WIRE_ETHER_LEN,
			 lab.sent_len - WIRE_ETHER_LEN, &h),
	    0);
	cr_assert_eq(h.total_len, lab.sent_len - WIRE_ETHER_LEN);
	cr_assert_eq(h.src, OURS);
	cr_assert_eq(h.dst, dst);
	cr_assert_eq(h.proto, proto);
	cr_assert_eq(h.total_len - h.ihl, payload);
	cr_assert(h.df && !h.mf && h.frag_off == 0);
	return lab.sent + 34;
}

const uint8_t *
stack_sends_packet6(const uint8_t *dst_mac, const struct ipaddr *dst,
    uint8_t next, size_t payload)
{
	uint8_t group[6] = {0x33, 0x33};
	struct wire_ipv6 h;

	memcpy(group + 2, dst->b + 12, 4);
	stack_sends();
	cr_assert_arr_eq(lab.sent, dst_mac != NULL ? dst_mac : group, 6);
	cr_assert_eq(get16(lab.sent + 12), WIRE_ETHER_IPV6);
	cr_assert_eq(wire_ipv6_parse(lab.sent + 14, lab.sent_len - 14, &h), 0);
	cr_assert_eq(h.payload_len, lab.sent_len - 54);
	cr_assert(ipaddr_eq(&h.dst, dst));
	cr_assert_eq(h.next, next);
	if (payload != SIZE_MAX)
		cr_assert_eq(h.payload_len, payload);
	lab.sent_src = h.src;
	lab.sent_hops = h.hop_limit;
	return lab.sent + 54;
}

void
stack_sends_icmp6(const uint8_t *dst_mac, const struct ipaddr *dst,
    uint8_t type, struct wire_icmp *m)
{
	const uint8_t *p =
	    stack_sends_packet6(dst_mac, dst, WIRE_PROTO_ICMP6, SIZE_MAX);

	cr_assert_eq(
	    wire_icmp6_parse(p, lab.sent_len - 54, &lab.sent_src, dst, m), 0);
	cr_assert_eq(m->type, type);
}

void
stack_sends_ns(const uint8_t *dst_mac, const struct ipaddr *target)
{
	struct ipaddr group = solicited_node(target);
	struct wire_nd_opts o;
	struct wire_icmp m;

	stack_sends_icmp6(
	    dst_mac, dst_mac != NULL ? target : &group, WIRE_ICMP6_NS, &m);
	cr_assert_eq(lab.sent_hops, 255);
	cr_assert_geq(m.len, 16);
	cr_assert_arr_eq(m.data, target->b, 16);
	cr_assert_eq(wire_nd_opts_parse(m.data + 16, m.len - 16, &o), 0);
	if (ipaddr_is_any(&lab.sent_src)) {
		cr_assert(o.source_lla == NULL && o.nonce != NULL);
	} else {
		cr_assert_not_null(o.source_lla);
		cr_assert_arr_eq(o.source_lla, our_mac, 6);
	}
}

void
stack_sends_na(const uint8_t *dst_mac, const struct ipaddr *dst,
    const struct ipaddr *target, uint32_t flags)
{
	struct wire_nd_opts o;
	struct wire_icmp m;

	stack_sends_icmp6(dst_mac, dst, WIRE_ICMP6_NA, &m);
	cr_assert_eq(lab.sent_hops, 255);
	cr_assert_eq(m.rest, flags);
	cr_assert_eq(m.len, 24);
	cr_assert_arr_eq(m.data, target->b, 16);
	cr_assert_eq(wire_nd_opts_parse(m.data + 16, 8, &o), 0);
	cr_assert_not_null(o.target_lla);
	cr_assert_arr_eq(o.target_lla, our_mac, 6);
}

void
stack_sends_report(uint8_t type, const struct ipaddr *group)
{
	const uint8_t *p =
	    stack_sends_packet6(NULL, &all_mld6, WIRE_PROTO_HOPOPTS, 36);

	cr_assert_eq(lab.sent_hops, 1);
	cr_assert_arr_eq(p, ((uint8_t[]){58, 0, 5, 2, 0, 0, 1, 0}), 8);
	cr_assert_eq(p[8], WIRE_ICMP6_MLD2_REPORT);
	cr_assert_eq(get16(p + 14), 1);
	cr_assert_eq(p[16], type);
	cr_assert_arr_eq(p + 20, group->b, 16);
}

void
silence(void)
{
	cr_assert(!stack_output(lab.s, &lab.f, lab.now), "a frame was sent");
}

struct tcp_out *
tcp_says(uint32_t dst, const void *data, size_t len)
{
	struct tcp_out *o = &fake.out[fake.nout];

	if (fake.said == fake.nout) {
		fake.said = fake.nout = 0;
		o = &fake.out[0];
	}
	fake.nout++;
	*o = (struct tcp_out){.src = ipaddr_v4(OURS),
	    .dst = ipaddr_v4(dst),
	    .ttl = 64,
	    .hdr_len = 20,
	    .payload_len = (uint32_t)len};
	put16(o->hdr, 80);
	put16(o->hdr + 2, 4711);
	o->hdr[12] = 5 << 4;
	o->hdr[13] = TH_ACK;
	if (len > 0) {
		o->nspans = 1;
		o->spans[0] = (struct span){(void *)(uintptr_t)data, len};
	}
	return o;
}

struct tcp_out *
tcp_says6(const struct ipaddr *dst, const void *data, size_t len)
{
	struct tcp_out *o = tcp_says(0, data, len);

	o->src = ours6;
	o->dst = *dst;
	return o;
}

/* ---- time and counters ---- */

void
at(int64_t us)
{
	lab.now.us = START_US + us;
	while (!mono_before(lab.now, stack_deadline(lab.s)))
		stack_expire(lab.s, lab.now);
}

void
quiet_until(int64_t us)
{
	mono_t end = {START_US + us};

	cr_assert(
	    mono_before(end, stack_deadline(lab.s)), "something is due before");
	lab.now = end;
	silence();
}

void
dropped(enum drop why)
{
	const struct drops *d = stack_drops(lab.s);
	unsigned i;

	for (i = 0; i < NDROPS; i++) {
		cr_assert_eq(d->count[i], lab.seen[i] + (i == why),
		    "%s is %ju, expected %ju", drop_name(i),
		    (uintmax_t)d->count[i],
		    (uintmax_t)lab.seen[i] + (i == why));
		lab.seen[i] = d->count[i];
	}
}

void
nothing_dropped(void)
{
	dropped(NDROPS);
}
