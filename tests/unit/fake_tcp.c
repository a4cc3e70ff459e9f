/* SPDX-License-Identifier: ISC */
/*
 * tcp.h as a recorder, for the tests of what lies below TCP.
 */
#include "stack_lab.h"

struct fake_tcp fake;

struct tcp {
	int unused;
};

static struct tcp the_tcp;

struct tcp *
tcp_new(const struct tcp_config *cfg, mono_t now)
{
	fake = (struct fake_tcp){.cfg = *cfg, .deadline = MONO_NEVER};
	return &the_tcp;
}

void
tcp_free(struct tcp *t)
{
}

void
tcp_input(struct tcp *t, const struct tcp_in *in, mono_t now)
{
	fake.inputs++;
	fake.in = *in;
	memcpy(fake.bytes, in->buf->data + in->off, in->len);
}

bool
tcp_output(struct tcp *t, struct tcp_out *out, mono_t now)
{
	cr_assert(!out->progress && !out->in_doubt);
	if (fake.said == fake.nout)
		return false;
	*out = fake.out[fake.said++];
	return true;
}

bool
tcp_icmp_input(struct tcp *t, const struct tuple *id, uint32_t seq,
    enum tcp_icmp what, uint16_t mtu, mono_t now)
{
	fake.errors++;
	fake.id = *id;
	fake.seq = seq;
	fake.what = what;
	fake.mtu = mtu;
	return fake.believes;
}

void
tcp_host_unreachable(struct tcp *t, const struct ipaddr *dst, mono_t now)
{
	if (fake.unreachable < 64)
		fake.gone[fake.unreachable] = *dst;
	fake.unreachable++;
}

mono_t
tcp_rest_deadline(const struct tcp *t)
{
	(void)t;
	return MONO_NEVER;
}

mono_t
tcp_deadline(const struct tcp *t)
{
	return fake.deadline;
}

void
tcp_expire(struct tcp *t, mono_t now)
{
	if (!mono_before(now, fake.deadline)) {
		fake.deadline = MONO_NEVER;
		fake.expired++;
	}
}
