/* SPDX-License-Identifier: ISC */
/*
 * tcpd.conf: what a good file becomes, what each mistake is answered with
 * (file, line, cause, cure), what a reload takes over, and the way to the
 * children with hostile messages in between.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/addrtext.h"
#include "dev/dev.h"
#include "ipc/policy.h"
#include "proc/conf.h"
#include "tcp/tcp.h"
#include "proc/page.h"
#include "proc/proc.h"

static char complaint[1024];
static unsigned complaints;

static void
complain(void *arg, const char *line)
{
	snprintf(complaint, sizeof complaint, "%s", line);
	complaints++;
}

/* The configuration of a text; NULL: complaint holds the message without the
 * file's name. */
static struct conf *
load(const char *text, size_t len)
{
	char path[64];
	struct conf *c;
	int fd = memfd_create("conf", MFD_CLOEXEC);

	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	complaints = 0;
	c = conf_load(path, complain, NULL);
	if (c == NULL) {
		cr_assert_eq(complaints, 1);
		cr_assert_eq(strncmp(complaint, path, strlen(path)), 0);
		memmove(complaint, complaint + strlen(path),
		    strlen(complaint + strlen(path)) + 1);
	}
	close(fd);
	return c;
}

static struct conf *
good(const char *text)
{
	struct conf *c = load(text, strlen(text));

	cr_assert_not_null(c, "%s", complaint);
	return c;
}

#define LEAST                                                                  \
	"device tap { host_address = \"192.0.2.1/24\" }\n"                     \
	"address = \"192.0.2.2/24\"\n"

Test(conf, least)
{
	struct conf *c = good(LEAST);

	cr_assert_eq(c->g.device.kind, DEV_TAP);
	cr_assert_str_eq(c->g.device.name, "tcpd0");
	cr_assert_eq(c->g.device.mtu, 1500);
	cr_assert_eq(c->g.device.offload, 1);
	cr_assert_eq(c->g.device.nhosts, 1);
	cr_assert_eq(ipaddr_to_v4(&c->g.device.hosts[0].addr), 0xc0000201);
	cr_assert_eq(c->g.device.hosts[0].plen, 96 + 24);
	cr_assert_eq(c->g.naddrs, 1);
	cr_assert_eq(ipaddr_to_v4(&c->g.addrs[0].addr), 0xc0000202);
	cr_assert_str_eq(c->g.socket, "/run/tcpd/tcpd.sock");
	cr_assert_str_eq(c->g.tcp.congestion, "cubic");
	cr_assert_eq(c->g.tcp.msl_us, 30000000);
	cr_assert_eq(c->g.quota.conns, 4096);
	cr_assert_eq(conf_quota(c, 1000), &c->g.quota);
	conf_free(c);
}

Test(conf, everything)
{
	struct conf *c = good(
	    "# a comment\n"
	    "device tap {\n"
	    "  name = \"tap7\" mtu = 9000 netns = blue offload = false\n"
	    "  txqueuelen = 500 multi_queue = true mac = 02:00:00:00:00:2a\n"
	    "  host_address = \"10.1.0.1/16\" host_address = "
	    "\"2001:db8::1/64\" }\n"
	    "address = \"10.1.0.2/16\" address = \"2001:db8::2/64\"\n"
	    "route \"0.0.0.0/0\" { via = \"10.1.0.1\" }\n"
	    "route \"10.2.0.0/16\" { }\n"
	    "policy {\n"
	    "  connect \"10.9.0.0/16\" { action = kernel }\n"
	    "  connect \"10.9.0.0/16:80-90\" { action = tcpd }\n"
	    "  bind \"0.0.0.0:22\" { action = refuse }\n"
	    "}\n"
	    "quota_user \"7\" { connections = 3 }\n"
	    "quota { connections = 10 listeners = 11 half_open = 12\n"
	    "  congestion = bbr\n"
	    "  buffer_bytes = 1000000 }\n"
	    "quota_user \"root\" { buffer_bytes = 70000 congestion = reno }\n"
	    "socket = \"/tmp/a/s\" control = \"/tmp/a/c\" pidfile = "
	    "\"/tmp/a/p\"\n"
	    "control_group = \"\"\n"
	    "tcp { congestion = newreno sndbuf = 8192 rcvbuf = 16384 msl = 2\n"
	    "  sndbuf_max = 8193 max_conns = 5 max_orphans = 6\n"
	    "  port_range = \"2000-3000\" timestamps = false sack = off\n"
	    "  window_scaling = no quick_acks = false ecn = passive\n"
	    "  syn_rate = 7 fastopen = 0x403 fastopen_blackhole = 60\n"
	    "  fastopen_key = \"a0bf63f7-ed803d81-cd641d30-cebc4a90\"\n"
	    "  fastopen_key = \"00000000-00000000-00000000-000000FF\"\n"
	    "  syncookies = always mtu_probing = never pacing = off }\n"
	    "memory { buffers = 2097152 }\n");

	cr_assert_str_eq(c->g.device.name, "tap7");
	cr_assert_str_eq(c->g.device.netns, "blue");
	cr_assert_eq(c->g.device.multi_queue, 1);
	cr_assert_eq(c->g.tcp.syncookies, TCP_COOKIES_ALWAYS);
	cr_assert_eq(c->g.tcp.pacing, 0);
	cr_assert_eq(c->g.tcp.ecn, TCP_ECN_PASSIVE);
	cr_assert_eq(c->g.tcp.fastopen.mode, 0x403);
	cr_assert_eq(c->g.tcp.fastopen.nkeys, 2);
	cr_assert_arr_eq(c->g.tcp.fastopen.key[0],
	    "\xf7\x63\xbf\xa0\x81\x3d\x80\xed\x30\x1d\x64\xcd\x90\x4a\xbc\xce",
	    16);
	cr_assert_eq(c->g.tcp.fastopen.key[1][12], 0xff);
	cr_assert_eq(c->g.tcp.fastopen.blackhole_s, 60);
	cr_assert_eq(c->g.tcp.max_orphans, 6);
	cr_assert_eq(c->g.tcp.syn_rate, 7);
	cr_assert_eq(c->g.tcp.mtu_probing, TCP_MTU_NEVER);
	cr_assert_eq(c->g.tcp.timestamps, 0);
	cr_assert_eq(c->g.tcp.sack, 0);
	cr_assert_eq(c->g.tcp.window_scaling, 0);
	cr_assert_eq(c->g.tcp.quick_acks, 0);
	cr_assert_eq(c->g.tcp.size.sndbuf_max, 8193);
	cr_assert_eq(c->g.tcp.size.rcvbuf_max, 6 << 20);
	cr_assert_eq(c->g.device.mac[5], 0x2a);
	cr_assert_eq(c->g.nroutes, 2);
	cr_assert_eq(ipaddr_to_v4(&c->routes[0].gateway), 0x0a010001);
	cr_assert(ipaddr_is_any(&c->routes[1].gateway));
	cr_assert_eq(c->g.naddrs, 2);
	cr_assert_eq(c->g.addrs[1].plen, 64);
	cr_assert_eq(c->g.device.nhosts, 2);
	cr_assert_eq(c->g.nrules, 3);
	cr_assert_eq(c->rules[0].line, 10);
	cr_assert_eq(c->rules[1].port_first, 80);
	cr_assert_eq(c->rules[1].port_last, 90);
	cr_assert_eq(c->rules[1].plen, 112);
	cr_assert_eq(c->rules[2].bind, 1);
	cr_assert_eq(c->rules[2].action, PROTO_REFUSE);
	/* What a user's section leaves out is the general quota. */
	cr_assert_eq(conf_quota(c, 7)->conns, 3);
	cr_assert_eq(conf_quota(c, 7)->listeners, 11);
	cr_assert_eq(conf_quota(c, 0)->conns, 10);
	cr_assert_eq(conf_quota(c, 0)->buffer_bytes, 70000);
	cr_assert_eq(conf_quota(c, 5)->half_open, 12);
	cr_assert_str_eq(conf_quota(c, 7)->congestion, "bbr");
	cr_assert_str_eq(conf_quota(c, 0)->congestion, "newreno");
	cr_assert_eq(c->g.tcp.port_last, 3000);
	cr_assert_eq(c->g.buffers, 2097152);
	conf_free(c);
}

/* Who looks would keep those away that he waits for. */
Test(conf, busy_polling_takes_two_processors)
{
	cpu_set_t all, one;
	struct conf *c;
	int cpu = 0;

	cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
	c = good(LEAST);
	cr_assert_eq(c->g.engine.busypoll.max_us > 0, CPU_COUNT(&all) > 1);
	conf_free(c);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
	c = good(LEAST);
	cr_assert_eq(c->g.engine.busypoll.max_us, 0);
	conf_free(c);
	c = good(LEAST "engine { busy_poll = 40 busy_poll_share = 8 }");
	cr_assert_eq(c->g.engine.busypoll.max_us, 40);
	cr_assert_eq(c->g.engine.busypoll.share, 8);
	cr_assert_eq(c->g.engine.ring, 0);
	conf_free(c);
}

/* What Linux does and RFCs do not, for those who want the same. */
Test(conf, as_linux)
{
	struct conf *c = good("device tap { host_address = \"192.0.2.1/24\" }\n"
			      "address = \"192.0.2.2/24\"\n"
			      "tcp { accecn_option = always ect_all = true\n"
			      "  syn_linear = 4 loopback_fast_path = no }");

	cr_assert_eq(c->g.tcp.accecn_option, TCP_ACCECN_ALWAYS);
	cr_assert_eq(c->g.tcp.ect_all, 1);
	cr_assert_eq(c->g.tcp.syn_linear, 4);
	cr_assert_eq(c->g.tcp.loopback_fast_path, 0);
	conf_free(c);
}

/* Routers alone may give the addresses. */
Test(conf, dhcp_conflicts_and_vlans)
{
	struct conf *c =
	    good("device tap { host_address = \"192.0.2.1/24\" vlan = 4094 }\n"
		 "address = \"dhcp\"\n"
		 "ipv4 { conflict_detection = true }");

	cr_assert_eq(c->g.naddrs, 0);
	cr_assert_eq(c->g.ipv4.dhcp, 1);
	cr_assert_eq(c->g.ipv4.conflict_detection, 1);
	cr_assert_eq(c->g.device.vlan, 4094);
	conf_free(c);
}

Test(conf, slaac)
{
	struct conf *c =
	    good("device tap { host_address = \"2001:db8::1/64\" }\n"
		 "address = \"slaac\"\n"
		 "route \"2001:db8:1::/48\" { via = \"fe80::1\" }\n"
		 "ipv6 { dad_transmits = 0 }");

	cr_assert_eq(c->g.naddrs, 0);
	cr_assert_eq(c->g.ipv6.slaac, 1);
	cr_assert_eq(c->g.ipv6.accept_ra, 1);
	cr_assert_eq(c->g.ipv6.dad_transmits, 0);
	conf_free(c);
	c = good(LEAST);
	cr_assert_eq(c->g.ipv6.slaac, 0);
	cr_assert_eq(c->g.ipv6.dad_transmits, 1);
	conf_free(c);
}

/* A text and how the complaint begins, after the file's name; a second piece
 * that must be in it: the cure. */
static const struct {
	const char *text, *begins, *has;
} bad[] = {
    {"", ": no device", "add device"},
    {"device tap { }", ": no address", "add address"},
    {"colour = 1", ":1: no such option 'colour'", "possible here: address"},
    {"\n\ndevice tap {\n mtuu = 3\n}", ":4: no such option 'mtuu'", "mtu,"},
    {"device tap { mtu = abc }", ":1: invalid integer", "whole number"},
    {"device tap {\n mtu = 9\n}", ":2: mtu = 9 is out of range", "576 to"},
    {"device tap {\n mtu = 99999999999999999999\n}", ":2: integer value",
	"smaller"},
    {"device tap { offload = maybe }", ":1: invalid boolean", "true or"},
    {"device xdp { interface = a offload = true }",
	":1: a device xdp has no offload", "leave"},
    {"device xdp { }", ":1: device xdp names no interface", "interface ="},
    {"device tap { ring = true }", ":1: a device tap has no ring", "leave"},
    {"device { }", ":1: missing title", "device tap {"},
    {"\ndevice tap {\n mtu = 1500", ":2: the section that begins", "add a }"},
    {"\n\"never", ":2: a string or comment begins", "close it"},
    {"/* never", ":1: a string or comment begins", "close it"},
    {"}", ":1: unexpected closing brace", "remove"},
    {"address 5", ":1: missing equal sign", "KEY = VALUE"},
    {"address =", ":1: premature end", "value"},
    {"address = { }", ":1: unexpected token", "quotes"},
    {"device tap { }\ndevice tap { }", ":2: found duplicate title", "keep one"},
    {"device tap { }\n\ndevice packet {\n}", ":3: a second device", "line 1"},
    {"device foo { }", ":1: device foo is unknown", "tap, packet or xdp"},
    {"device packet { }", ":1: device packet names no interface",
	"interface ="},
    {"device packet { interface = e0\n host_address = \"1.2.3.4/8\" }",
	":2: a device packet has no host_address", "leave it out"},
    {"device tap {\n interface = e0 }", ":2: a device tap has no interface",
	"leave it out"},
    {"device tap { name = \"a/b\" }", ":1: name = \"a/b\" is not", "15"},
    {"device tap { name = \"abcdefghijklmnop\" }", ":1: name = ", "15 bytes"},
    {"device tap { netns = \"a/b\" }", ":1: netns = ", "absolute path"},
    {"device tap { mac = \"01:00:00:00:00:00\" }", ":1: mac = ", "like 02"},
    {"device tap { mac = \"02:00:00:00:00\" }", ":1: mac = ", "write it"},
    {"address = \"192.0.2.2\"", ":1: address = ", "192.0.2.2/24"},
    {"address = \"192.0.2.2/33\"", ":1: address = ", "192.0.2.2/24"},
    {"address = \"127.0.0.1/8\"", ":1: address = ", "unicast"},
    {"address = \"10.0.0.0/8\"", ":1: address = ", "between"},
    {"address = \"10.0.0.1/8\"\naddress = \"10.0.0.1/16\"",
	":2: address = \"10.0.0.1/16\" is there already", "line 1"},
    {"address = \"2001:db8::2\"", ":1: address = ", "2001:db8::2/64"},
    {"address = \"2001:db8::2/129\"", ":1: address = ", "2001:db8::2/64"},
    {"address = \"2001:db8::/64\"", ":1: address = ", "between"},
    {"address = \"ff02::1/64\"", ":1: address = ", "unicast"},
    {"address = \"::1/128\"", ":1: address = ", "unicast"},
    {"address = \"fe80::1%eth0/64\"", ":1: address = ", "write it like"},
    {"device tap { mtu = 1279 }\naddress = \"2001:db8::2/64\"",
	":2: an IPv6 address needs", "raise it"},
    {"device tap { host_address = \"2001:db8::1/64\" }\n"
     "address = \"192.0.2.2/24\"",
	":1: host_address 2001:db8::1 has no address", "leave it out"},
    {LEAST "gateway = \"2001:db8::1\"", ":3: a route by way of", "family"},
    {LEAST "gateway = \"192.0.2.1\"\ngateway = \"192.0.2.3\"",
	":4: gateway is given twice for IPv4", "line 3"},
    {LEAST "gateway = \"192.0.2.1\"\nroute \"0.0.0.0/0\" { }",
	":4: route \"0.0.0.0/0\" is there already", "line 3"},
    {LEAST "route \"::/0\" { via = \"192.0.2.1\" }",
	":3: route \"::/0\" and its via", "two families"},
    {LEAST "route \"2001:db8::1/64\" { }", ":3: \"2001:db8::1/64\" has bits",
	"2001:db8::/64?"},
    {LEAST "policy { bind \"[::]:9-1\" { action = tcpd } }", ":3: bind",
	"[2001:db8::/32]:80"},
    {LEAST "policy { bind \"[::\" { action = tcpd } }", ":3: bind",
	"[2001:db8::/32]:80"},
    {LEAST "route \"x\" { }", ":3: route \"x\" is not", "write it like"},
    {LEAST "route \"10.0.0.1/8\" { }", ":3: \"10.0.0.1/8\" has bits",
	"10.0.0.0/8?"},
    {LEAST "route \"10.0.0.0/8\" {\n\n via = \"nowhere\" }",
	":5: via = ", "192.0.2.1"},
    {LEAST "route \"10.0.0.0/8\" { via = \"10.0.0.1\" }",
	":3: gateway 10.0.0.1 is not", "192.0.2.2/24"},
    {LEAST "gateway = \"10.0.0.1\"", ":3: gateway 10.0.0.1 is not",
	"192.0.2.2/24"},
    {LEAST "route \"10.0.0.0/8\" { }\nroute \"10.0.0.0/08\" { }",
	":4: route \"10.0.0.0/08\" is there already", "line 3"},
    {LEAST "policy { connect \"10.0.0.0/8\" { } }", ":3: connect", "action"},
    {LEAST "policy { connect \"10.0.0.0/8\" { action = x } }",
	":3: action = \"x\"", "kernel, tcpd or refuse"},
    {LEAST "policy { bind \"10.0.0.0/8:9-1\" { action = tcpd } }", ":3: bind",
	":80-90"},
    {LEAST "policy { bind \"10.0.0.0/8:\" { action = tcpd } }", ":3: bind",
	":80-90"},
    {"user = \"no such user\"", ":1: user = ", "useradd"},
    {"control_group = \"no such group\"", ":1: control_group", "groupadd"},
    {"quota_user \"no such user\" { }", ":1: quota_user", "login name"},
    {"quota_user \"4294967295\" { }", ":1: quota_user", "not a user number"},
    {"quota_user \"0\" { }\nquota_user \"root\" { }", ":2: quota_user",
	"keep one"},
    {"quota { connections = -1 }", ":1: connections = -1", "0 to"},
    {"quota { buffer_bytes = 1 }", ":1: buffer_bytes = 1", "65536 to"},
    {"socket = \"tcpd.sock\"", ":1: socket = ", "begin it with /"},
    {"socket = \"/run/\"", ":1: socket = ", "begin it with /"},
    {LEAST "control = \"/run/tcpd/tcpd.sock\"", ":3: socket and control",
	"its own"},
    {"device tap { vlan = 4095 }", ":1: vlan", "4094"},
    {LEAST "address = \"slaac\"\nipv6 { accept_ra = false }",
	":4: address = \"slaac\" comes from routers", "leave one"},
    {"device tap { mtu = 1000 }\naddress = \"slaac\"",
	":2: address = \"slaac\" needs an MTU", "raise it"},
    {"ipv6 { dad_transmits = 256 }", ":1: dad_transmits = 256", "0 to 255"},
    {"resolver { hosts = true }", ":1: the resolver has nobody to ask",
	"add nameserver"},
    {"resolver { nameserver = dns.example }",
	":1: nameserver = \"dns.example\" is not an address", "192.0.2.53 or"},
    {"resolver { nameserver = \"127.0.0.53\" }",
	":1: nameserver = \"127.0.0.53\" cannot be reached", "routes lead"},
    {"resolver { nameserver = \"fe80::1\" }",
	":1: nameserver = \"fe80::1\" cannot", "routes lead"},
    {LEAST "resolver { nameserver = 192.0.2.53\nnameserver = 198.51.100.1 }",
	":4: no route leads to nameserver 198.51.100.1", "add gateway"},
    {LEAST "resolver { nameserver = \"2001:db8::53\" }",
	":3: no route leads to nameserver 2001:db8::53", "add gateway"},
    {LEAST "gateway = \"192.0.2.1\"\nresolver { nameserver = \"::53\" }",
	":4: no route leads to nameserver ::53", "add gateway"},
    {"tcp { congestion = vegas }", ":1: congestion",
	"cubic, newreno, bbr or dctcp"},
    {"quota { congestion = \"\" }", ":1: congestion", "bbr or dctcp"},
    {LEAST "tcp { rcvbuf = 8192 rcvbuf_max = 4096 }", ":3: rcvbuf_max = 4096",
	"less than rcvbuf = 8192"},
    {"tcp { syncookies = 1 }", ":1: syncookies = \"1\"",
	"auto, never or always"},
    {"tcp { ecn = 3 }", ":1: ecn = \"3\"", "off, classic, passive or on"},
    {"tcp { fastopen = 8 }", ":1: fastopen = 0x8", "add up 1, 2"},
    {"tcp { fastopen = -1 }", ":1: fastopen = ", "add up 1, 2"},
    {"tcp { fastopen_key = \"0-0-0-0\" }", ":1: fastopen_key is no key",
	"write it like"},
    {"tcp { fastopen_key = \"a0bf63f7-ed803d81-cd641d30-cebc4a90-\" }",
	":1: fastopen_key is no key", "write it like"},
    {"tcp { fastopen_key = \"a0bf63f7-ed803d81-cd641d30-cebc4a90\"\n"
     " fastopen_key = \"a0bf63f7-ed803d81-cd641d30-cebc4a90\"\n"
     " fastopen_key = \"a0bf63f7-ed803d81-cd641d30-cebc4a90\" }",
	":3: fastopen_key has more", "new one"},
    {"tcp { port_range = \"5-3\" }", ":1: port_range", "32768-60999"},
    {"tcp { msl = 0 }", ":1: msl = 0", "1 to 120"},
    {"tcp { msl = 1 }\ntcp { msl = 2 }", ":2: msl is given twice", "line 1"},
    {"memory { buffers = 1 }", ":1: buffers", "give"},
    {"engine { busy_poll = 10001 }", ":1: busy_poll = 10001", "0 to 10000"},
    {"engine { busy_poll_share = 0 }", ":1: busy_poll_share", "1 to 100"},
    {"device tap { host_address = \"10.0.0.1/8\" }\n"
     "address = \"192.0.2.2/24\"",
	":2: address 192.0.2.2/24 and", "one network"},
};

Test(conf, mistakes)
{
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct conf *c = load(bad[i].text, strlen(bad[i].text));

		cr_assert_null(c, "accepted: %s", bad[i].text);
		cr_assert_eq(
		    strncmp(complaint, bad[i].begins, strlen(bad[i].begins)), 0,
		    "%s\n-> %s", bad[i].text, complaint);
		cr_assert_not_null(strstr(complaint, bad[i].has), "%s\n-> %s",
		    bad[i].text, complaint);
	}
}

Test(conf, what_is_no_text)
{
	cr_assert_null(load("a\0b", 3));
	cr_assert_not_null(strstr(complaint, "zero byte"));
	cr_assert_null(conf_load("/nonexistent/tcpd.conf", complain, NULL));
	cr_assert_not_null(strstr(complaint, "No such file"));
	cr_assert_null(conf_load("/", complain, NULL));
	cr_assert_not_null(strstr(complaint, "regular file"));
}

/* ---- reload ---- */

static char changed[256];

static void
note_changed(void *arg, const char *name)
{
	strcat(changed, name);
	strcat(changed, ";");
}

Test(conf, reload)
{
	struct conf *now = good(LEAST "quota_user \"7\" { connections = 3 }");
	struct conf *next =
	    good("device tap { mtu = 1400 host_address = \"192.0.2.1/24\" }\n"
		 "address = \"192.0.2.3/24\"\n"
		 "quota { connections = 9 }\n"
		 "route \"10.0.0.0/8\" { via = \"192.0.2.1\" }\n"
		 "policy { connect \"10.1.0.0/16\" { action = kernel } }\n"
		 "tcp { congestion = reno msl = 1 syncookies = never\n"
		 "  quick_acks = false pacing = no ecn = classic\n"
		 "  timestamps = no sack = no window_scaling = no\n"
		 "  accecn_option = never ect_all = on syn_linear = 1\n"
		 "  loopback_fast_path = off\n"
		 "  fastopen = 0 }\n"
		 "resolver { nameserver = \"192.0.2.53\" }");

	changed[0] = '\0';
	cr_assert_eq(conf_reload(now, next, note_changed, NULL), 4);
	cr_assert_str_eq(changed, "device;resolver;tcp msl;tcp quick_acks;");
	cr_assert_eq(now->g.resolver.nservers, 0);
	cr_assert_eq(now->g.tcp.quick_acks, 1);
	cr_assert_eq(now->g.device.mtu, 1500);
	cr_assert_eq(ipaddr_to_v4(&now->g.addrs[0].addr), 0xc0000203);
	cr_assert_eq(now->g.tcp.msl_us, 30000000);
	cr_assert_str_eq(now->g.tcp.congestion, "newreno");
	cr_assert_eq(now->g.tcp.syncookies, TCP_COOKIES_NEVER);
	cr_assert_eq(now->g.tcp.pacing, 0);
	cr_assert_eq(now->g.tcp.ecn, TCP_ECN_CLASSIC);
	cr_assert_eq(now->g.tcp.timestamps, 0);
	cr_assert_eq(now->g.tcp.sack, 0);
	cr_assert_eq(now->g.tcp.window_scaling, 0);
	cr_assert_eq(now->g.tcp.accecn_option, TCP_ACCECN_NEVER);
	cr_assert_eq(now->g.tcp.ect_all, 1);
	cr_assert_eq(now->g.tcp.syn_linear, 1);
	cr_assert_eq(now->g.tcp.loopback_fast_path, 0);
	cr_assert_eq(now->g.tcp.fastopen.mode, 0);
	cr_assert_eq(now->g.nroutes, 1);
	cr_assert_eq(now->g.nrules, 1);
	cr_assert_eq(conf_quota(now, 7)->conns, 9);
	conf_free(now);
}

/* ---- policy ---- */

static int
rules_of(struct proto_policy *p, const struct conf *c, uint32_t generation)
{
	struct page_source from = {.conf = c, .link = 7};

	return page_rules(p, &from, generation);
}

static enum proto_action
to(const struct proto_policy *p, uint32_t addr, uint16_t port)
{
	struct ipaddr ip = ipaddr_v4(addr);

	return policy_connect(p, &ip, port).action;
}

static enum proto_action
at(const struct proto_policy *p, uint32_t addr, uint16_t port)
{
	struct ipaddr ip = ipaddr_v4(addr);

	return policy_bind(p, &ip, port).action;
}

Test(conf, policy)
{
	struct conf *c = good(
	    LEAST "route \"10.0.0.0/8\" { via = \"192.0.2.1\" }\n"
		  "policy { connect \"10.1.0.0/16:443\" { action = refuse } }");
	struct proto_policy p;

	cr_assert_eq(rules_of(&p, c, 3), 0);
	cr_assert(policy_valid(&p));
	cr_assert_eq(p.generation, 3);
	cr_assert_eq(to(&p, 0x7f000001, 80), PROTO_KERNEL);
	cr_assert_eq(to(&p, 0, 80), PROTO_KERNEL);
	cr_assert_eq(to(&p, 0xe0000001, 80), PROTO_KERNEL);
	cr_assert_eq(to(&p, 0xffffffff, 80), PROTO_KERNEL);
	cr_assert_eq(to(&p, 0xc00002ff, 80), PROTO_KERNEL);
	cr_assert_eq(to(&p, 0xc0000201, 80), PROTO_TCPD);
	cr_assert_eq(to(&p, 0xc0000202, 80), PROTO_TCPD);
	cr_assert_eq(to(&p, 0x0a010203, 80), PROTO_TCPD);
	cr_assert_eq(to(&p, 0x0a010203, 443), PROTO_REFUSE);
	cr_assert_eq(to(&p, 0x08080808, 53), PROTO_KERNEL);
	cr_assert_eq(at(&p, 0, 80), PROTO_TCPD);
	cr_assert_eq(at(&p, 0xc0000202, 80), PROTO_TCPD);
	cr_assert_eq(at(&p, 0xc0000201, 80), PROTO_KERNEL);
	cr_assert_eq(at(&p, 0x7f000001, 80), PROTO_KERNEL);
	conf_free(c);
}

static struct policy_verdict
judge(const struct proto_policy *p, bool bind, const char *addr)
{
	struct ipaddr a;

	cr_assert(addrtext_parse(addr, &a));
	return bind ? policy_bind(p, &a, 80) : policy_connect(p, &a, 80);
}

/* Both families, and neither lies in the other's default route. */
Test(conf, resolver)
{
	struct conf *c =
	    good(LEAST "address = \"2001:db8::2/64\"\n"
		       "resolver { nameserver = 192.0.2.53\n"
		       "nameserver = \"[2001:db8::53]:5353\"  hosts = false }");
	const struct conf_nameserver *s = c->g.resolver.servers;
	char buf[ADDRTEXT_MAX];

	cr_assert_eq(c->g.resolver.nservers, 2);
	cr_assert_eq(c->g.resolver.hosts, 0);
	cr_assert_str_eq(
	    addrtext_endpoint(&s[0].addr, s[0].port, buf), "192.0.2.53:53");
	cr_assert_str_eq(addrtext_endpoint(&s[1].addr, s[1].port, buf),
	    "[2001:db8::53]:5353");
	conf_free(c);
	/* What may be known later, by DHCP and from routers, is no mistake. */
	conf_free(good(LEAST "gateway = \"192.0.2.1\"\n"
			     "resolver { nameserver = 198.51.100.1 }"));
	conf_free(good("device tap {}\naddress = \"dhcp\"\n"
		       "resolver { nameserver = 198.51.100.1 }"));
	conf_free(good(LEAST "address = \"slaac\"\n"
			     "resolver { nameserver = \"2001:db8::53\" }"));
	c = good(LEAST);
	cr_assert_eq(c->g.resolver.nservers, 0);
	cr_assert_eq(c->g.resolver.hosts, 1);
	conf_free(c);
}

Test(conf, resolver_reload)
{
	struct conf *now = good(LEAST "resolver { nameserver = 192.0.2.53 }");
	struct conf *next = good(LEAST "resolver { nameserver = 192.0.2.54 "
				       "hosts = no }");

	changed[0] = '\0';
	cr_assert_eq(conf_reload(now, next, note_changed, NULL), 0);
	cr_assert_eq(
	    ipaddr_to_v4(&now->g.resolver.servers[0].addr), 0xc0000236);
	cr_assert_eq(now->g.resolver.hosts, 0);
	conf_free(now);
}

Test(conf, policy_ipv6)
{
	struct conf *c = good(LEAST
	    "address = \"2001:db8::2/64\"\n"
	    "gateway = \"2001:db8::1\"\n"
	    "policy { connect \"[2001:db8:9::/48]:80\" { action = refuse }\n"
	    "  bind \"::\" { action = kernel } }");
	static const struct {
		bool bind;
		const char *addr;
		enum proto_action action;
		enum proto_why why;
	} want[] = {{false, "::1", PROTO_KERNEL, PROTO_WHY_LOOPBACK},
	    {false, "::", PROTO_KERNEL, PROTO_WHY_LOOPBACK},
	    {false, "ff02::1", PROTO_KERNEL, PROTO_WHY_MULTICAST},
	    {false, "2001:db8::2", PROTO_TCPD, PROTO_WHY_ADDRESS},
	    {false, "2001:db8::77", PROTO_TCPD, PROTO_WHY_ROUTE},
	    {false, "2001:db8:1::1", PROTO_TCPD, PROTO_WHY_ROUTE},
	    {false, "2001:db8:9::1", PROTO_REFUSE, PROTO_WHY_CONF},
	    {false, "198.51.100.1", PROTO_KERNEL, PROTO_WHY_DEFAULT},
	    {false, "192.0.2.1", PROTO_TCPD, PROTO_WHY_ROUTE},
	    {true, "::", PROTO_KERNEL, PROTO_WHY_CONF},
	    {true, "0.0.0.0", PROTO_TCPD, PROTO_WHY_WILDCARD},
	    {true, "2001:db8::2", PROTO_TCPD, PROTO_WHY_ADDRESS},
	    {true, "2001:db8::3", PROTO_KERNEL, PROTO_WHY_DEFAULT},
	    {true, "::1", PROTO_KERNEL, PROTO_WHY_LOOPBACK}};
	static struct proto_policy p;
	struct policy_verdict v;

	cr_assert_eq(rules_of(&p, c, 1), 0);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		v = judge(&p, want[i].bind, want[i].addr);
		cr_assert(v.action == want[i].action && v.why == want[i].why,
		    "%s %s: %d, %d", want[i].bind ? "bind" : "connect",
		    want[i].addr, v.action, v.why);
	}
	conf_free(c);
}

/* Loopback is whose the configuration says, and the wildcards go with it. */
Test(conf, policy_of_loopback)
{
	static const char *const words[] = {"kernel", "tcpd", "refuse"};
	static const char *const addrs[] = {
	    "127.9.9.9", "::1", "0.0.0.0", "::"};
	static struct proto_policy p;
	struct policy_verdict v;
	struct conf *c;
	char text[200];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(text, sizeof text,
		    LEAST "policy {\n loopback = %s }\n", words[i]);
		c = good(text);
		cr_assert_eq(c->g.loopback, PROTO_KERNEL + i);
		cr_assert_eq(rules_of(&p, c, 1), 0);
		for (unsigned k = 0; k < 4; k++) {
			v = judge(&p, false, addrs[k]);
			cr_assert_eq(v.action, PROTO_KERNEL + i);
			cr_assert_eq(v.why, PROTO_WHY_CONF);
			v = judge(&p, true, addrs[k]);
			cr_assert_eq(
			    v.action, k < 2 ? PROTO_KERNEL + i : PROTO_TCPD);
		}
		conf_free(c);
	}
}

/* What the network gave is tcpd's too, as long as it gives it. */
Test(conf, policy_of_the_network)
{
	struct conf *c = good(LEAST);
	struct cm_net net = {.naddrs = 1, .nroutes = 2};
	struct page_source from = {
	    .conf = c, .net = &net, .link = 7, .mtu = 1400};
	static struct proto_policy p;
	const struct proto_rule *r;
	uint32_t at = 0;

	cr_assert(addrtext_parse_prefix(
	    "2001:db8:5::9/64", &net.addrs[0].addr, &net.addrs[0].plen));
	cr_assert(addrtext_parse_prefix(
	    "2001:db8:5::/64", &net.routes[0].dst, &net.routes[0].plen));
	net.routes[1] = (struct conf_route){.plen = 0}; /* ::/0 */
	cr_assert_eq(page_rules(&p, &from, 1), 0);
	cr_assert_eq(p.link, 7);
	cr_assert_eq(p.mtu, 1400);
	/* tcpd.conf's first. */
	r = policy_next_address(&p, &at);
	cr_assert(r != NULL && r->net_plen == 96 + 24);
	r = policy_next_address(&p, &at);
	cr_assert(r != NULL && r->net_plen == 64);
	cr_assert_arr_eq(r->addr, net.addrs[0].addr.b, sizeof r->addr);
	cr_assert_null(policy_next_address(&p, &at));
	cr_assert_eq(judge(&p, false, "2001:db8:5::9").why, PROTO_WHY_ADDRESS);
	cr_assert_eq(judge(&p, false, "2001:db8:5::1").why, PROTO_WHY_ROUTE);
	cr_assert_eq(judge(&p, false, "2001:db8:7::1").why, PROTO_WHY_ROUTE);
	cr_assert_eq(judge(&p, true, "2001:db8:5::9").action, PROTO_TCPD);
	cr_assert_eq(judge(&p, false, "198.51.100.1").action, PROTO_KERNEL);
	net.naddrs = net.nroutes = 0;
	cr_assert_eq(page_rules(&p, &from, 2), 0);
	cr_assert_eq(judge(&p, false, "2001:db8:5::9").action, PROTO_KERNEL);
	conf_free(c);
}

Test(conf, page_is_sealed)
{
	struct conf *c = good(LEAST);
	const struct proto_policy *map;
	struct page page;

	cr_assert_eq(page_make(&page, &(struct page_source){.conf = c}, 1), 0);
	cr_assert_eq(write(page.fd, "x", 1), -1);
	cr_assert_eq(ftruncate(page.fd, 0), -1);
	cr_assert_eq(
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, page.fd, 0),
	    MAP_FAILED);
	map = page_map(page.fd);
	cr_assert_not_null(map);
	cr_assert_eq(map->superseded, 0);
	page_supersede(&page);
	cr_assert_eq(map->superseded, page.map != NULL);
	page_unmap(map);
	page_close(&page);
	conf_free(c);
}

/* ---- the way to the children ---- */

static struct confrx rx;
static struct conf *received;
static int rx_result;

static bool
input(void *arg, struct msg *m)
{
	rx_result = confrx_input(&rx, m, &received);
	return rx_result >= 0;
}

static void
closed(void *arg, int error)
{
}

static const struct msgchan_ops ops = {.input = input, .closed = closed};

Test(conf, travels_whole)
{
	static char text[200000];
	size_t n = (size_t)snprintf(text, sizeof text, "%s",
	    LEAST "route \"10.0.0.0/8\" { via = \"192.0.2.1\" }\n"
		  "policy { connect \"10.1.0.0/16\" { action = kernel } }\n");
	struct event_base *eb = event_base_new();
	struct msgchan *a, *b;
	struct conf *c;
	int sv[2];

	for (int i = 0; i < CONF_QUOTAS; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
		    "quota_user \"%d\" { connections = %d }\n", 9999 - i, i);
	c = good(text);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	a = msgchan_new(eb, sv[0], &msgchan_internal, &ops, NULL);
	b = msgchan_new(eb, sv[1], &msgchan_internal, &ops, NULL);
	cr_assert_eq(conf_send(c, a), 0);
	for (int i = 0; i < 100000 && received == NULL; i++)
		event_base_loop(eb, EVLOOP_NONBLOCK);
	cr_assert_not_null(received);
	cr_assert_eq(memcmp(&received->g, &c->g, sizeof c->g), 0);
	cr_assert_eq(memcmp(received->quotas, c->quotas,
			 c->g.nquotas * sizeof *c->quotas),
	    0);
	cr_assert_eq(conf_quota(received, 9999)->conns, 0);
	cr_assert_eq(conf_quota(received, 9000)->conns, 999);
	cr_assert_eq(received->rules[0].line, 4);
	conf_free(received);
	conf_free(c);
	msgchan_free(a);
	msgchan_free(b);
	event_base_free(eb);
}

static int
feed(uint16_t type, const void *data, size_t len)
{
	struct msg m = {.type = type, .data = data, .len = (uint32_t)len};
	struct conf *done = NULL;
	int rc = confrx_input(&rx, &m, &done);

	conf_free(rc == 1 ? done : NULL);
	return rc;
}

#define REJECTED(type, data, len)                                              \
	do {                                                                   \
		cr_assert_eq(feed(type, data, len), -EPROTO);                  \
		cr_assert_null(rx.building);                                   \
	} while (0)

Test(conf, hostile_messages)
{
	struct conf *c = good(LEAST);
	struct conf_global g = c->g;
	struct conf_route r = {.dst = ipaddr_v4(0), .plen = 96 + 24};
	struct conf_quota_user q[2] = {
	    {.uid = 5, .quota = {.buffer_bytes = 65536}},
	    {.uid = 5, .quota = {.buffer_bytes = 65536}}};

	REJECTED(PM_CONF_END, NULL, 0);
	REJECTED(PM_CONF_ROUTES, &r, sizeof r);
	REJECTED(PM_CONF, &g, sizeof g - 1);
	g.nroutes = CONF_ROUTES + 1;
	REJECTED(PM_CONF, &g, sizeof g);
	g = c->g;
	g.nquotas = UINT32_MAX;
	REJECTED(PM_CONF, &g, sizeof g);
	g = c->g;
	g.loopback = 0;
	REJECTED(PM_CONF, &g, sizeof g);
	g = c->g;
	memset(g.socket, 'x', sizeof g.socket);
	REJECTED(PM_CONF, &g, sizeof g);
	g = c->g;
	g.addrs[0].plen = 95;
	REJECTED(PM_CONF, &g, sizeof g);
	g = c->g;
	g.naddrs = CONF_ADDRS + 1;
	REJECTED(PM_CONF, &g, sizeof g);
	g = c->g;
	g.device.nhosts = UINT32_MAX;
	REJECTED(PM_CONF, &g, sizeof g);
	g = c->g;
	g.resolver.nservers = CONF_SERVERS + 1;
	REJECTED(PM_CONF, &g, sizeof g);
	/* Promised and not sent, sent and not promised, sent twice. */
	g = c->g;
	g.nroutes = 1;
	cr_assert_eq(feed(PM_CONF, &g, sizeof g), 0);
	REJECTED(PM_CONF_END, NULL, 0);
	cr_assert_eq(feed(PM_CONF, &c->g, sizeof g), 0);
	REJECTED(PM_CONF_ROUTES, &r, sizeof r);
	cr_assert_eq(feed(PM_CONF, &c->g, sizeof g), 0);
	REJECTED(PM_CONF, &c->g, sizeof g);
	cr_assert_eq(feed(PM_CONF, &g, sizeof g), 0);
	REJECTED(PM_CONF_ROUTES, &r, sizeof r - 1);
	cr_assert_eq(feed(PM_CONF, &g, sizeof g), 0);
	r.plen = 95;
	cr_assert_eq(feed(PM_CONF_ROUTES, &r, sizeof r), 0);
	REJECTED(PM_CONF_END, NULL, 0);
	/* Not sorted: the search would go wrong. */
	g = c->g;
	g.nquotas = 2;
	cr_assert_eq(feed(PM_CONF, &g, sizeof g), 0);
	cr_assert_eq(feed(PM_CONF_QUOTAS, q, sizeof q), 0);
	REJECTED(PM_CONF_END, NULL, 0);
	cr_assert_eq(feed(PM_CONF, &c->g, sizeof g), 0);
	cr_assert_eq(feed(PM_CONF_END, NULL, 0), 1);
	conf_free(c);
}

Test(conf, device_description)
{
	struct dev_caps caps = {.kind = DEV_TAP,
			    .csum = true,
			    .rx_ring = true,
			    .mtu = 1500},
			back;
	struct pm_device d;

	strcpy(caps.name, "tcpd0");
	pm_device_from(&d, &caps);
	cr_assert(pm_device_to(&d, &back));
	cr_assert(back.csum && !back.tso && back.mtu == 1500);
	cr_assert(back.rx_ring);
	cr_assert_str_eq(back.name, "tcpd0");
	d.csum = 77; /* a foreign byte is no invalid bool */
	cr_assert(pm_device_to(&d, &back) && back.csum);
	memset(d.name, 'x', sizeof d.name);
	cr_assert_not(pm_device_to(&d, &back));
	pm_device_from(&d, &caps);
	d.kind = 9;
	cr_assert_not(pm_device_to(&d, &back));
	d.kind = DEV_TAP;
	d.mtu = 3;
	cr_assert_not(pm_device_to(&d, &back));
}
