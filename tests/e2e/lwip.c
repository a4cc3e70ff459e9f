/* SPDX-License-Identifier: ISC */
/*
 * lwip: the program of haul.c over lwIP, a peer whose TCP has other roots than
 * ours and the kernel's: no timestamps, no SACK, a window of 64 KiB with a
 * scale of 1, its own mind about delayed ACKs and retransmission.
 *
 *	lwip interface address haul's arguments ...
 *
 * lwIP runs on an AF_PACKET socket on that interface, under the interface's
 * own MAC, so the kernel must have no address there.  haul.c is the same text
 * that runs over the kernel's sockets: local.mk compiles it a second time with
 * its calls renamed to lwIP's, which on Debian take the system's structures.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>

#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <lwip/ethip6.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcpip.h>
#include <netif/etharp.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

int haul_main(int argc, char **argv);

static struct {
	int fd, mtu;
	uint8_t mac[6];
	struct netif netif;
} dev;

static void
open_device(const char *name)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ALL),
	    .sll_ifindex = (int)if_nametoindex(name)};
	struct ifreq ifr = {0};

	dev.fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (to.sll_ifindex == 0 || dev.fd == -1)
		err(1, "%s", name);
	strncpy(ifr.ifr_name, name, sizeof ifr.ifr_name - 1);
	if (ioctl(dev.fd, SIOCGIFHWADDR, &ifr) == -1)
		err(1, "%s: its address", name);
	memcpy(dev.mac, ifr.ifr_hwaddr.sa_data, 6);
	if (ioctl(dev.fd, SIOCGIFMTU, &ifr) == -1)
		err(1, "%s: its MTU", name);
	dev.mtu = ifr.ifr_mtu;
	if (setsockopt(dev.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &(int){1},
		sizeof(int)) == -1 ||
	    bind(dev.fd, (struct sockaddr *)&to, sizeof to) == -1)
		err(1, "%s: bind", name);
}

static err_t
transmit(struct netif *n, struct pbuf *p)
{
	uint8_t frame[UINT16_MAX];

	pbuf_copy_partial(p, frame, p->tot_len, 0);
	return write(dev.fd, frame, p->tot_len) == (ssize_t)p->tot_len ? ERR_OK
								       : ERR_IF;
}

static void *
receive(void *arg)
{
	static uint8_t frame[65536 + 64];
	struct pbuf *p;
	ssize_t n;

	while ((n = read(dev.fd, frame, sizeof frame)) > 0) {
		/* Longer ones are for somebody with a larger MTU. */
		if (n > dev.mtu + 14)
			continue;
		p = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_RAM);
		if (p == NULL)
			continue;
		pbuf_take(p, frame, (u16_t)n);
		if (dev.netif.input(p, &dev.netif) != ERR_OK)
			pbuf_free(p);
	}
	err(1, "read from the interface");
}

static err_t
init(struct netif *n)
{
	n->name[0] = 't';
	n->name[1] = 'e';
	n->output = etharp_output;
	n->output_ip6 = ethip6_output;
	n->linkoutput = transmit;
	n->mtu = (u16_t)dev.mtu;
	n->hwaddr_len = 6;
	memcpy(n->hwaddr, dev.mac, 6);
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
		   NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
	return ERR_OK;
}

static void
configure(const char *address)
{
	ip4_addr_t addr, mask, none;
	ip_addr_t a;

	if (!ipaddr_aton(address, &a))
		errx(2, "%s: not an address", address);
	ip4_addr_set_zero(&none);
	addr = none;
	IP4_ADDR(&mask, 255, 255, 255, 0);
	if (IP_IS_V4(&a))
		addr = *ip_2_ip4(&a);
	LOCK_TCPIP_CORE();
	if (netif_add(&dev.netif, &addr, &mask, &none, NULL, init,
		tcpip_input) == NULL)
		errx(1, "netif_add");
	netif_set_default(&dev.netif);
	if (IP_IS_V6(&a)) {
		netif_create_ip6_linklocal_address(&dev.netif, 1);
		netif_ip6_addr_set(&dev.netif, 1, ip_2_ip6(&a));
		netif_ip6_addr_set_state(&dev.netif, 0, IP6_ADDR_PREFERRED);
		netif_ip6_addr_set_state(&dev.netif, 1, IP6_ADDR_PREFERRED);
	}
	netif_set_up(&dev.netif);
	UNLOCK_TCPIP_CORE();
}

/* lwIP ends with its program: what is under way must arrive first. */
static void
wait_for_the_last(void)
{
	bool busy = true;

	while (busy) {
		poll(NULL, 0, 20);
		LOCK_TCPIP_CORE();
		busy = tcp_active_pcbs != NULL;
		UNLOCK_TCPIP_CORE();
	}
}

int
main(int argc, char **argv)
{
	pthread_t reader;
	int status;

	if (argc < 4)
		errx(2, "usage: lwip interface address haul's arguments ...");
	open_device(argv[1]);
	tcpip_init(NULL, NULL);
	configure(argv[2]);
	if (pthread_create(&reader, NULL, receive, NULL) != 0)
		errx(1, "pthread_create");
	status = haul_main(argc - 2, argv + 2);
	wait_for_the_last();
	return status;
}
