// A netlink datagram, message by message.
#include "boundary.h"
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// rtnetlink's types come in fours, new, delete, get and set: rtnetlink_rcv_msg().
static const char *const VERBS[] = {"NEW", "DEL", "GET", "SET"};
static const char *const OBJECTS[] = {"LINK", "ADDR", "ROUTE", "NEIGH"};

static bool is_change(const struct nlmsghdr *message)
{
	return (message->nlmsg_type - RTM_BASE) % 4 != 2;
}

static const char *request_name(const struct nlmsghdr *message)
{
	static char name[64];
	unsigned type = message->nlmsg_type - RTM_BASE;
	if (type / 4 < 4)
		snprintf(name, sizeof(name), "RTM_%s%s", VERBS[type % 4],
			 OBJECTS[type / 4]);
	else
		snprintf(name, sizeof(name), is_change(message) ? "RTM_%u" : "RTM_GET %u",
			 message->nlmsg_type);
	return name;
}

// Puts a refusal of a message into the queue of the socket that it comes from, as the
// kernel would.
static void refuse(int socket, const struct nlmsghdr *message, int error)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	socklen_t length = sizeof(self);
	// It has an address after the first message, unless that is the one to be
	// refused.
	bind(socket, (struct sockaddr *)&self, length);
	if (getsockname(socket, (struct sockaddr *)&self, &length) < 0)
		die("getsockname");
	struct {
		struct nlmsghdr header;
		struct nlmsgerr body;
	} refusal = {
	    .header = {.nlmsg_len = sizeof(refusal),
		       .nlmsg_type = NLMSG_ERROR,
		       .nlmsg_flags = NLM_F_CAPPED,
		       .nlmsg_seq = message->nlmsg_seq,
		       .nlmsg_pid = self.nl_pid},
	    .body = {.error = error, .msg = *message},
	};
	if (sendto(socket, &refusal, sizeof(refusal), 0, (struct sockaddr *)&self,
		   length) < 0)
		die("refuse");
}

// Takes the messages that are stopped out of a datagram: what is no request is skipped,
// see netlink_rcv_skb(). Where the command is to end, it does so at the recvfrom(2) that
// follows.
static void filter_datagram(int socket, uint64_t address, char *datagram, size_t size)
{
	for (size_t at = 0; at < size;) {
		struct nlmsghdr *message = (struct nlmsghdr *)(datagram + at);
		enum what weight = is_change(message) ? CHANGES : ALL;
		// What a removal is refused with must not say that it is gone already.
		const int *errnos =
		    (message->nlmsg_type - RTM_BASE) % 4 == 1
			? ERRNOS(ENOMEM, EPERM, EBUSY, EINVAL)
			: ERRNOS(ENOMEM, EPERM, EBUSY, EINVAL, ENODEV, ENOBUFS);
		int error = state.doomed
				? -EINTR
				: reach(weight, errnos, "%s", request_name(message));
		if (error) {
			message->nlmsg_flags &= ~NLM_F_REQUEST;
			if (!state.doomed) {
				message->nlmsg_flags &= ~NLM_F_ACK;
				refuse(socket, message, error);
			}
			if (pwrite(state.memory, message, sizeof(*message),
				   address + at) < 0)
				die("write the command's memory");
		}
		at += NLMSG_ALIGN(message->nlmsg_len);
	}
}

void netlink(int fd, unsigned long address, size_t size)
{
	int pidfd = syscall(__NR_pidfd_open, state.child, 0);
	int socket = syscall(__NR_pidfd_getfd, pidfd, fd, 0);
	close(pidfd);
	int domain = 0;
	socklen_t length = sizeof(int);
	getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &length);
	if (domain == AF_NETLINK) {
		char *datagram = malloc(size);
		if (pread(state.memory, datagram, size, address) != (ssize_t)size)
			die("read the command's memory");
		filter_datagram(socket, address, datagram, size);
		free(datagram);
	}
	close(socket);
}
