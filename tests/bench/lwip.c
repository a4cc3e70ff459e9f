/* SPDX-License-Identifier: ISC */
/*
 * load's server (SINK and SOURCE of load.c) over lwIP on a TAP, for `make
 * bench': what an embedded stack in one process reaches, without a daemon, a
 * shim or sockets between the program and its TCP.
 *
 *	lwip TAP ADDRESS PORT
 *
 * It uses lwIP's raw interface, in lwIP's own thread: received data is
 * counted where it lies.  The library's build decides the rest (Debian's:
 * segments of 1,460 bytes, a window of 64 KiB, no offloads).
 */
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <linux/if.h>
#include <linux/if_tun.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lwip/etharp.h>
#include <lwip/netif.h>
#include <lwip/tcp.h>
#include <lwip/tcpip.h>

#define MTU	 1500
#define REQUEST	 64 /* struct request of load.h, whose first byte is the op */
#define MAX_SPAN 64

static int tap;
static struct netif netif;
static char zeros[65536];

struct conn {
	size_t got; /* of the request */
	char op;
	uint64_t count;
};

static void
open_tap(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	tap = open("/dev/net/tun", O_RDWR);
	if (tap == -1 || ioctl(tap, TUNSETIFF, &ifr) == -1)
		err(1, "TAP %s", name);
}

static err_t
transmit(struct netif *n, struct pbuf *p)
{
	struct iovec iov[MAX_SPAN];
	int i = 0;

	(void)n;
	for (; p != NULL && i < MAX_SPAN; p = p->next, i++)
		iov[i] = (struct iovec){p->payload, p->len};
	return p == NULL && writev(tap, iov, i) != -1 ? ERR_OK : ERR_IF;
}

static void
receive(void)
{
	static char frame[MTU + 14];
	struct pbuf *p;
	ssize_t n;

	while ((n = read(tap, frame, sizeof frame)) > 0) {
		p = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_RAM);
		if (p == NULL)
			continue;
		pbuf_take(p, frame, (u16_t)n);
		if (netif.input(p, &netif) != ERR_OK)
			pbuf_free(p);
	}
	err(1, "read from the TAP");
}

static err_t
init(struct netif *n)
{
	static const u8_t mac[6] = {2, 0, 0, 0, 0, 2};

	n->name[0] = 't';
	n->name[1] = 'p';
	n->output = etharp_output;
	n->linkoutput = transmit;
	n->mtu = MTU;
	n->hwaddr_len = sizeof mac;
	memcpy(n->hwaddr, mac, sizeof mac);
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
		   NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
	return ERR_OK;
}

/* ---- load's server ---- */

static void
source_more(struct tcp_pcb *pcb)
{
	u16_t room;

	while ((room = tcp_sndbuf(pcb)) != 0 &&
	       tcp_write(pcb, zeros, room, 0) == ERR_OK)
		;
	tcp_output(pcb);
}

static err_t
on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct conn *c = arg;

	(void)len;
	if (c != NULL && c->op == 'G')
		source_more(pcb);
	return ERR_OK;
}

static void
on_error(void *arg, err_t e)
{
	(void)e;
	free(arg);
}

static err_t
finish(struct conn *c, struct tcp_pcb *pcb)
{
	if (c->op == 'S')
		tcp_write(pcb, &c->count, sizeof c->count, TCP_WRITE_FLAG_COPY);
	tcp_arg(pcb, NULL);
	free(c);
	return tcp_close(pcb);
}

static err_t
on_data(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e)
{
	struct conn *c = arg;
	size_t head;

	(void)e;
	if (c == NULL) {
		if (p != NULL)
			pbuf_free(p);
		return ERR_OK;
	}
	if (p == NULL)
		return finish(c, pcb);
	if (c->got == 0)
		c->op = *(const char *)p->payload;
	head = LWIP_MIN((size_t)p->tot_len, REQUEST - c->got);
	c->got += head;
	c->count += p->tot_len - head;
	tcp_recved(pcb, p->tot_len);
	pbuf_free(p);
	if (c->got == REQUEST && c->op == 'G')
		source_more(pcb);
	return ERR_OK;
}

static err_t
on_accept(void *arg, struct tcp_pcb *pcb, err_t e)
{
	struct conn *c = calloc(1, sizeof *c);

	(void)arg;
	if (e != ERR_OK || c == NULL) {
		free(c);
		return ERR_MEM;
	}
	tcp_arg(pcb, c);
	tcp_recv(pcb, on_data);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_error);
	return ERR_OK;
}

static void
serve(const char *address, u16_t port)
{
	ip4_addr_t addr, mask, none;
	struct tcp_pcb *l;

	if (!ip4addr_aton(address, &addr))
		errx(2, "%s: not an address", address);
	ip4_addr_set_zero(&none);
	IP4_ADDR(&mask, 255, 255, 255, 0);
	LOCK_TCPIP_CORE();
	if (netif_add(&netif, &addr, &mask, &none, NULL, init, tcpip_input) ==
	    NULL)
		errx(1, "netif_add");
	netif_set_default(&netif);
	netif_set_up(&netif);
	l = tcp_new();
	if (l == NULL || tcp_bind(l, IP_ADDR_ANY, port) != ERR_OK ||
	    (l = tcp_listen(l)) == NULL)
		errx(1, "listen");
	tcp_accept(l, on_accept);
	UNLOCK_TCPIP_CORE();
}

int
main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: lwip tap address port\n");
		return 2;
	}
	open_tap(argv[1]);
	tcpip_init(NULL, NULL);
	serve(argv[2], (u16_t)atoi(argv[3]));
	printf("ready\n");
	fflush(stdout);
	receive();
}
