/* SPDX-License-Identifier: ISC */
/*
 * Frames between the device and the stack.
 *
 * Input comes in bursts, each followed by a whole flush: what arrived goes on
 * to the programs while it is in the cache, and acknowledgements leave early.
 * Bursts of ordinary frames are longer, for a flush sends an acknowledgement
 * and wakes a program each time.  Output is pulled until the stack has none;
 * when the device is full, the frame in hand is copied (its spans are the
 * stack's and would not outlive the next call) and goes first when the device
 * is writable again.
 */
#include "config.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "proc/engine.h"
#include "proc/log.h"

#define RX_BURST  64 /* frames */
#define RX_BULKY  16 /* frames of a burst when they are large */
#define RX_ROUNDS 16 /* bursts a turn */
#define TX_FLUSH  64 /* frames with text a flush */
#define NO_TEXT	  (14 + 40 + 60)
#define TX_COPY	  (65536 + 1024)

static void
device_gone(struct engine *e, int rc)
{
	log_error("device %s is gone: %s; was it deleted?",
	    dev_caps(e->dev)->name, strerror(-rc));
	event_del(&e->ev_dev_in);
	e->stopped = e->failed = true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct rxframe frames[RX_BURST];
	struct engine *e = arg;
	unsigned want;
	size_t bytes;
	int round, i, n;

	for (round = 0; round < RX_ROUNDS; round++) {
		want = e->rx_bulky ? RX_BULKY : RX_BURST;
		bytes = 0;
		n = dev_rx(e->dev, frames, want);
		if (n < 0) {
			device_gone(e, n);
			return;
		}
		for (i = 0; i < n; i++) {
			if (e->flood.looking)
				flood_count(&e->flood, frames[i].buf);
			bytes += frames[i].buf->len;
			stack_input(e->stack, &frames[i], engine_now(e));
		}
		e->rx_behind = n == (int)want;
		e->rx_bulky = bytes > (size_t)n * BUF_SMALL;
		if (!e->rx_behind) {
			e->flood.was_empty = true;
			return;
		}
		flood_look(e);
		engine_flush(e);
	}
}

/* The frame is kept for when the device can take it. */
static void
keep(struct engine *e, const struct txframe *f)
{
	unsigned i;

	if (f->len > TX_COPY)
		return; /* no device takes more */
	e->tx_len = 0;
	e->tx_off = f->off;
	for (i = 0; i < f->nspans; i++) {
		memcpy(
		    e->tx_copy + e->tx_len, f->spans[i].base, f->spans[i].len);
		e->tx_len += f->spans[i].len;
	}
}

static void
wait_for_room(struct engine *e)
{
	e->tx_blocked = true;
	event_add(&e->ev_dev_out, NULL);
}

void
pump_begin(struct engine *e)
{
	e->tx_left = e->rx_behind ? RX_BULKY : TX_FLUSH;
}

bool
pump_output(struct engine *e)
{
	struct txframe f;
	int rc;

	while (e->dev != NULL && !e->tx_blocked && e->tx_left > 0 &&
	       stack_output(e->stack, &f, engine_now(e))) {
		/* What has no text answers something and is not answered. */
		if (f.len > NO_TEXT)
			e->tx_left--;
		if (dev_tx(e->dev, &f) == -EAGAIN) {
			keep(e, &f);
			wait_for_room(e);
		}
	}
	if (e->dev != NULL && !e->tx_blocked && !e->failed) {
		rc = dev_flush(e->dev);
		if (rc == -EAGAIN)
			wait_for_room(e);
		else if (rc == -ENODEV)
			device_gone(e, rc);
	}
	return e->tx_left > 0;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	struct txframe f;

	f.off = e->tx_off;
	f.nspans = 1;
	f.len = e->tx_len;
	f.spans[0] = (struct span){e->tx_copy, e->tx_len};
	if (f.len != 0 && dev_tx(e->dev, &f) == -EAGAIN) {
		event_add(&e->ev_dev_out, NULL);
		return;
	}
	e->tx_len = 0;
	e->tx_blocked = false;
	pump_output(e);
}

int
engine_set_device(struct engine *e, int fd, const struct dev_caps *caps)
{
	e->tx_copy = malloc(TX_COPY);
	if (e->tx_copy == NULL)
		return -ENOMEM;
	e->dev = dev_attach(fd, caps, stack_bufs(e->stack), e->drops);
	if (e->dev == NULL)
		return -errno;
	event_assign(&e->ev_dev_in, e->eb, dev_fd(e->dev), EV_READ | EV_PERSIST,
	    on_readable, e);
	event_assign(
	    &e->ev_dev_out, e->eb, dev_fd(e->dev), EV_WRITE, on_writable, e);
	return event_add(&e->ev_dev_in, NULL) == 0 ? 0 : -ENOMEM;
}

void
pump_done(struct engine *e)
{
	if (e->dev != NULL) {
		event_del(&e->ev_dev_in);
		event_del(&e->ev_dev_out);
		dev_close(e->dev);
		e->dev = NULL;
	}
	free(e->tx_copy);
	e->tx_copy = NULL;
}
