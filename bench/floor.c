/*
 * The floor: what a lab costs with nothing in between. Makes the kernel objects of a list
 * in as few and as large netlink batches as the kernel takes, and takes them away again.
 *
 *   floor up LIST PINS     LIST as bench/apply/list.ts writes it
 *   floor down MARK        everything in namespaces whose `lo` has this alias, until it
 * is gone
 *
 * It plans nothing, checks nothing that the kernel does not refuse by itself, and undoes
 * nothing.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES "/run/netns"
#define LO 1

/* ---- netlink: requests are gathered in one buffer, and sent whole
 * -------------------------------- */

static char batch[256 * 1024], answers[64 * 1024];
static size_t used, last; /* bytes in the batch; where its last request starts */
static int to = -1;	  /* the socket that the batch goes to */

static void *put(const void *data, size_t size)
{
	void *at = memset(batch + used, 0, NLMSG_ALIGN(size));

	if (data)
		memcpy(at, data, size);
	used += NLMSG_ALIGN(size);
	return at;
}

static void flush(void);

static void request(int type, int flags, const void *header, size_t size)
{
	if (used > sizeof(batch) - 4096)
		flush();
	last = used;
	struct nlmsghdr *message = put(NULL, NLMSG_HDRLEN);

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	put(header, size);
}

static struct nlattr *attribute(int type, const void *data, size_t size)
{
	struct nlattr *attr = put(NULL, NLA_HDRLEN);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + size;
	if (size)
		put(data, size);
	return attr;
}

static void number(int type, __u32 value)
{
	attribute(type, &value, sizeof(value));
}

static void end_nested(struct nlattr *attr)
{
	attr->nla_len = batch + used - (char *)attr;
}

static void end_request(void)
{
	((struct nlmsghdr *)(batch + last))->nlmsg_len = used - last;
}

/* Sends the batch: only its last request is acknowledged, and whatever the kernel
 * refuses. */
static void flush(void)
{
	if (!used)
		return;
	((struct nlmsghdr *)(batch + last))->nlmsg_flags |= NLM_F_ACK;
	((struct nlmsghdr *)(batch + last))->nlmsg_seq = 1;
	if (send(to, batch, used, 0) < 0)
		err(1, "send");
	used = 0;
	for (;;) {
		int length = recv(to, answers, sizeof(answers), 0);

		if (length < 0)
			err(1, "recv");
		for (struct nlmsghdr *m = (void *)answers; NLMSG_OK(m, length);
		     m = NLMSG_NEXT(m, length)) {
			struct nlmsgerr *error = NLMSG_DATA(m);

			if (m->nlmsg_type != NLMSG_ERROR)
				continue;
			if (error->error)
				errx(1, "request of type %d: %s", error->msg.nlmsg_type,
				     strerror(-error->error));
			if (m->nlmsg_seq == 1)
				return;
		}
	}
}

static int netlink(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), one = 1,
	    size = 1 << 20;

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

static void link_request(int flags, int index, int link_flags)
{
	struct ifinfomsg header = {
	    .ifi_index = index, .ifi_flags = link_flags, .ifi_change = link_flags};

	request(RTM_NEWLINK, flags, &header, sizeof(header));
}

/* ---- what a line of the list may name
 * ------------------------------------------------------------- */

struct namespace
{
	int fd, route;
};

struct program {
	char name[32];
	struct bpf_object *object;
	int fd;
};

static struct namespace namespaces[8192], *here;
static struct program programs[16];
static int spaces, loaded;
static struct {
	char path[128], value[16];
} defaults[256];
static int told;

static int bytes_of(const char *text, void *bytes)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, bytes) != 1)
		errx(1, "no address: %s", text);
	return family;
}

static int width(int family)
{
	return family == AF_INET ? 4 : 16;
}

static void mac_of(const char *text, unsigned char *mac)
{
	for (int i = 0; i < 6; i++)
		mac[i] = strtoul(text + 3 * i, NULL, 16);
}

static struct program *program_of(const char *name)
{
	for (int i = 0; i < loaded; i++)
		if (!strcmp(programs[i].name, name))
			return &programs[i];
	errx(1, "no program %s", name);
}

static void enter(int fd)
{
	if (setns(fd, CLONE_NEWNET))
		err(1, "setns");
}

/*
 * A sysctl of the namespace that this thread is in. Looked up in a procfs of our own,
 * another one after some uses: each keeps what was seen of every namespace, and goes
 * through all of it the next time.
 */
static void write_sysctl(const char *path, const char *value)
{
	static int procfs = -1, uses;

	if (uses++ % 256 == 0) {
		int context = fsopen("proc", FSOPEN_CLOEXEC);

		if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
			err(1, "fsconfig");
		close(procfs);
		procfs = fsmount(context, FSMOUNT_CLOEXEC, 0);
		close(context);
	}
	int fd = openat(procfs, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		err(1, "%s", path);
	close(fd);
}

/* Requests go to the namespace's own socket from here on. */
static void turn_to(struct namespace *namespace)
{
	if (here == namespace)
		return;
	flush();
	here = namespace;
	to = namespace->route;
}

static struct namespace *add_namespace(void)
{
	struct namespace *made = &namespaces[spaces++];

	made->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	made->route = netlink(NETLINK_ROUTE);
	return made;
}

/* ---- the lines
 * ----------------------------------------------------------------------------------- */

/* Marked first, and named when it is as it should be. */
static void line_netns(char **a)
{
	char path[300];

	if (unshare(CLONE_NEWNET))
		err(1, "unshare");
	turn_to(add_namespace());
	link_request(0, LO, IFF_UP);
	attribute(IFLA_IFALIAS, a[1], strlen(a[1]) + 1);
	end_request();
	flush();
	for (int i = 0; i < told; i++)
		write_sysctl(defaults[i].path, defaults[i].value);
	snprintf(path, sizeof(path), NAMES "/%s", a[0]);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444));
	if (mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL))
		err(1, "mount %s", path);
}

static void veth_end(const char *name, const char *mac, int namespace)
{
	unsigned char bytes[6];

	mac_of(mac, bytes);
	attribute(IFLA_IFNAME, name, strlen(name) + 1);
	attribute(IFLA_ADDRESS, bytes, sizeof(bytes));
	number(IFLA_NET_NS_FD, namespaces[namespace].fd);
	number(IFLA_NUM_TX_QUEUES, 1);
	number(IFLA_NUM_RX_QUEUES, 1);
}

static void line_veth(char **a)
{
	struct ifinfomsg peer = {.ifi_index = atoi(a[5])};

	turn_to(&namespaces[0]);
	link_request(NLM_F_CREATE | NLM_F_EXCL, atoi(a[1]), 0);
	veth_end(a[2], a[3], atoi(a[0]));
	struct nlattr *info = attribute(IFLA_LINKINFO, NULL, 0);
	attribute(IFLA_INFO_KIND, "veth", 5);
	struct nlattr *data = attribute(IFLA_INFO_DATA, NULL, 0);
	struct nlattr *other = attribute(VETH_INFO_PEER, NULL, 0);
	put(&peer, sizeof(peer));
	veth_end(a[6], a[7], atoi(a[4]));
	end_nested(other);
	end_nested(data);
	end_nested(info);
	end_request();
}

static void line_up(char **a)
{
	link_request(0, atoi(a[0]), IFF_UP);
	end_request();
}

static void line_xdp(char **a)
{
	link_request(0, atoi(a[0]), 0);
	struct nlattr *xdp = attribute(IFLA_XDP | NLA_F_NESTED, NULL, 0);
	number(IFLA_XDP_FD, program_of(a[1])->fd);
	number(IFLA_XDP_FLAGS, XDP_FLAGS_UPDATE_IF_NOEXIST | XDP_FLAGS_DRV_MODE);
	end_nested(xdp);
	end_request();
}

static void line_address(char **a)
{
	unsigned char bytes[16];
	struct ifaddrmsg header = {.ifa_index = atoi(a[0]), .ifa_prefixlen = atoi(a[2])};

	header.ifa_family = bytes_of(a[1], bytes);
	if (header.ifa_family == AF_INET6)
		header.ifa_flags = IFA_F_NODAD;
	request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	attribute(IFA_LOCAL, bytes, width(header.ifa_family));
	attribute(IFA_ADDRESS, bytes, width(header.ifa_family));
	end_request();
}

static void line_neighbor(char **a)
{
	unsigned char bytes[16], mac[6];
	struct ndmsg header = {.ndm_ifindex = atoi(a[0]), .ndm_state = NUD_PERMANENT};

	header.ndm_family = bytes_of(a[1], bytes);
	mac_of(a[2], mac);
	request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	attribute(NDA_DST, bytes, width(header.ndm_family));
	attribute(NDA_LLADDR, mac, sizeof(mac));
	end_request();
}

static void line_route(char **a)
{
	unsigned char to[16], via[16];
	struct rtmsg header = {.rtm_dst_len = atoi(a[1]),
			       .rtm_table = RT_TABLE_MAIN,
			       .rtm_protocol = RTPROT_STATIC,
			       .rtm_type = RTN_UNICAST};

	header.rtm_family = bytes_of(a[0], to);
	bytes_of(a[2], via);
	request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	if (header.rtm_dst_len)
		attribute(RTA_DST, to, width(header.rtm_family));
	attribute(RTA_GATEWAY, via, width(header.rtm_family));
	number(RTA_OIF, atoi(a[3]));
	end_request();
}

/* TX checksums off, by any socket of the namespace. */
static void line_tx_off(char **a)
{
	struct ethtool_value value = {.cmd = ETHTOOL_STXCSUM};
	struct ifreq interface = {.ifr_data = (char *)&value};

	strcpy(interface.ifr_name, a[0]);
	if (ioctl(here->route, SIOCETHTOOL, &interface))
		err(1, "tx off %s", a[0]);
}

static void line_sysctl(char **a)
{
	enter(here->fd);
	write_sysctl(a[0], a[1]);
}

/* An object to be loaded; the lines that follow say how, the last one does it. */
static void line_program(char **a)
{
	struct program *made = &programs[loaded++];

	strcpy(made->name, a[0]);
	made->object = bpf_object__open_file(a[1], NULL);
	if (!made->object)
		err(1, "open %s", a[1]);
}

static struct bpf_map *map_of(struct program *program, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(program->object, name);

	return map ? map : errx(1, "no map %s", name), map;
}

static void line_capacity(char **a)
{
	bpf_map__set_max_entries(map_of(&programs[loaded - 1], a[0]), atoi(a[1]));
}

static void bytes_from(const char *hex, unsigned char *bytes)
{
	for (; *hex; hex += 2)
		sscanf(hex, "%2hhx", bytes++);
}

static void line_rodata(char **a)
{
	size_t size;

	bytes_from(a[0], (void *)bpf_map__initial_value(
			     map_of(&programs[loaded - 1], ".rodata"), &size));
}

/* Loads, and binds the label to the program as the product does. */
static void line_load(char **a)
{
	struct program *program = &programs[loaded - 1];
	unsigned char label[256] = {0};
	int key = 0, map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "xdp_topology", 4,
					  sizeof(label), 1, NULL);

	if (bpf_object__load(program->object))
		errx(1, "load %s", program->name);
	program->fd = bpf_program__fd(bpf_object__next_program(program->object, NULL));
	bytes_from(a[0], label);
	if (bpf_map_update_elem(map, &key, label, 0) || bpf_map_freeze(map) ||
	    bpf_prog_bind_map(program->fd, map, NULL))
		err(1, "label of %s", program->name);
}

/* A devmap resolves the ifindex in the namespace of who writes it. */
static void line_entry(char **a)
{
	__u32 key = atoi(a[2]), value = atoi(a[3]);

	enter(here->fd);
	if (bpf_map_update_elem(bpf_map__fd(map_of(program_of(a[0]), a[1])), &key, &value,
				0))
		err(1, "entry %s", a[1]);
}

static void line_default(char **a)
{
	strcpy(defaults[told].path, a[0]);
	strcpy(defaults[told++].value, a[1]);
}

static void line_in(char **a)
{
	turn_to(&namespaces[atoi(a[0])]);
}

static const struct {
	const char *name;
	void (*run)(char **arguments);
} lines[] = {
    {"address", line_address},
    {"capacity", line_capacity},
    {"default", line_default},
    {"entry", line_entry},
    {"in", line_in},
    {"load", line_load},
    {"neighbor", line_neighbor},
    {"netns", line_netns},
    {"program", line_program},
    {"rodata", line_rodata},
    {"route", line_route},
    {"sysctl", line_sysctl},
    {"tx-off", line_tx_off},
    {"up", line_up},
    {"veth", line_veth},
    {"xdp", line_xdp},
};

static void up(const char *list)
{
	static char line[4096];
	FILE *file = fopen(list, "r");
	char *words[9] = {0};

	if (!file)
		err(1, "%s", list);
	turn_to(add_namespace());
	while (fgets(line, sizeof(line), file)) {
		size_t i = 0;

		words[0] = strtok(line, " \n");
		for (int n = 1; n < 9 && (words[n] = strtok(NULL, " \n"));)
			n++;
		while (i < sizeof(lines) / sizeof(*lines) &&
		       strcmp(lines[i].name, words[0]))
			i++;
		if (i == sizeof(lines) / sizeof(*lines))
			errx(1, "no such line: %s", words[0]);
		lines[i].run(words + 1);
	}
	flush();
}

/* ---- down
 * ----------------------------------------------------------------------------------------
 */

static __u32 attached[16];
static int known;

/* Remembers the program that runs on a link, once. */
static void note_program(struct rtattr *xdp)
{
	int length = RTA_PAYLOAD(xdp);

	for (struct rtattr *attr = RTA_DATA(xdp); RTA_OK(attr, length);
	     attr = RTA_NEXT(attr, length)) {
		__u32 id = *(__u32 *)RTA_DATA(attr);
		int i = 0;

		if (attr->rta_type != IFLA_XDP_PROG_ID)
			continue;
		while (i < known && attached[i] != id)
			i++;
		if (i == known && known < 16)
			attached[known++] = id;
	}
}

/* Reads the links of the socket's namespace: whether the mark is on `lo`, and what runs
 * on the others. */
static bool is_marked(int socket, const char *mark)
{
	struct ifinfomsg header = {0};
	bool marked = false;

	request(RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header));
	number(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	end_request();
	if (send(socket, batch, used, 0) < 0)
		err(1, "send");
	used = 0;
	for (;;) {
		int length = recv(socket, answers, sizeof(answers), 0);

		if (length < 0)
			err(1, "recv");
		for (struct nlmsghdr *m = (void *)answers; NLMSG_OK(m, length);
		     m = NLMSG_NEXT(m, length)) {
			struct ifinfomsg *link = NLMSG_DATA(m);
			struct rtattr *attr = IFLA_RTA(link);
			int rest = IFLA_PAYLOAD(m);

			if (m->nlmsg_type == NLMSG_DONE)
				return marked;
			for (; RTA_OK(attr, rest); attr = RTA_NEXT(attr, rest))
				if (attr->rta_type == IFLA_IFALIAS &&
				    link->ifi_index == LO)
					marked = !strcmp(RTA_DATA(attr), mark);
				else if ((attr->rta_type & NLA_TYPE_MASK) == IFLA_XDP &&
					 marked)
					note_program(attr);
		}
	}
}

/* Takes the names of marked namespaces away, and waits until no link holds a program any
 * more. */
static void down(const char *mark)
{
	int host = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), open_fds = 0;
	static int fds[2 * 8192];
	DIR *names = opendir(NAMES);
	char path[300];

	for (struct dirent *entry; names && (entry = readdir(names));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), NAMES "/%s", entry->d_name);
		int fd = fds[open_fds++] = open(path, O_RDONLY | O_CLOEXEC);
		enter(fd);
		int socket = fds[open_fds++] = netlink(NETLINK_ROUTE);
		if (is_marked(socket, mark) &&
		    (umount2(path, MNT_DETACH) || unlink(path)))
			err(1, "%s", path);
	}
	enter(host);
	while (open_fds)
		close(fds[--open_fds]);
	for (int i = 0, fd; i < known; i++)
		while ((fd = bpf_prog_get_fd_by_id(attached[i])) >= 0) {
			close(fd);
			usleep(1000);
		}
}

int main(int argc, char **argv)
{
	struct rlimit files = {65536, 65536};

	setrlimit(RLIMIT_NOFILE, &files);
	if (argc == 3 && !strcmp(argv[1], "up"))
		up(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "down"))
		down(argv[2]);
	else
		errx(64, "usage: floor up LIST | floor down MARK");
	return 0;
}
