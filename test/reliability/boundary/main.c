// Runs a command and stops it at the Nth of its calls that change the system: see USAGE.
//
// The command is the product as it is, with nothing in it that knows of tests: a seccomp
// filter hands its system calls over before they happen, as seccomp_unotify(2) describes.
// A netlink datagram counts by its messages, which the kernel works off one after the
// other.
#include "boundary.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char USAGE[] =
    "usage: boundary LOG WHAT HOW N SEED COMMAND [ARGUMENT...]\n"
    "WHAT counts, each with a line in LOG:\n"
    "  changes  what outlives the command: the kernel's objects, settings, files\n"
    "  calls    and what changes the command alone: setns, flock, opening for writing\n"
    "  all      and what only reads the kernel\n"
    "HOW it is stopped:\n"
    "  count    not at all\n"
    "  kill     SIGKILL in place of the Nth: those before it are done, and no other\n"
    "  fail     the Nth is refused, by one of the errnos that fit it; SEED picks\n"
    "  fail-on  the Nth is, and all that follow\n"
    "The status is the command's, and 128 + S where signal S ended it.\n";

static const char *const WHAT[] = {"all", "calls", "changes", NULL};
static const char *const HOW[] = {"count", "kill", "fail", "fail-on", NULL};

struct state state;

void die(const char *what)
{
	perror(what);
	exit(125);
}

int reach(enum what weight, const int *errnos, const char *format, ...)
{
	if (weight < state.what)
		return 0;
	state.count++;
	va_list arguments;
	va_start(arguments, format);
	vfprintf(state.log, format, arguments);
	va_end(arguments);
	bool stop = state.how == FAIL_ON
			? state.count >= state.stop
			: state.how != COUNT && state.count == state.stop;
	int refusal = 0;
	if (stop && state.how == KILL) {
		state.doomed = true;
		refusal = EINTR;
		fputs(": SIGKILL", state.log);
	} else if (stop) {
		size_t n = 0;
		while (errnos[n] != 0)
			n++;
		refusal = errnos[(state.count + state.seed) % n];
		fprintf(state.log, ": %s", strerrorname_np(refusal));
	}
	fputc('\n', state.log);
	fflush(state.log);
	return -refusal;
}

static const int HANDED_OVER[] = {
    __NR_bpf,	   __NR_sendto, __NR_recvfrom, __NR_mount,     __NR_umount2,
    __NR_unshare,  __NR_setns,	__NR_openat,   __NR_write,     __NR_pwrite64,
    __NR_mkdirat,  __NR_fsync,	__NR_unlinkat, __NR_renameat2, __NR_flock,
    __NR_ioctl,
#ifdef __NR_renameat
    __NR_renameat,
#endif
#ifdef __NR_open // older than the family of openat(2), which newer architectures have
		 // alone
    __NR_open,	   __NR_mkdir,	__NR_rmdir,    __NR_unlink,    __NR_rename,
#endif
};
#define N_HANDED_OVER (sizeof(HANDED_OVER) / sizeof(HANDED_OVER[0]))

static char **command;
static volatile int listener = -1;

// Has the memory and the descriptors of its parent, which waits until it has become the
// command.
static int become(void *unused)
{
	(void)unused;
	struct sock_filter filter[N_HANDED_OVER + 3] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
	for (size_t i = 0; i < N_HANDED_OVER; i++)
		filter[1 + i] = (struct sock_filter)BPF_JUMP(
		    BPF_JMP | BPF_JEQ | BPF_K, HANDED_OVER[i], N_HANDED_OVER - i, 0);
	filter[N_HANDED_OVER + 1] =
	    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[N_HANDED_OVER + 2] =
	    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	// Whoever gives up on us gives up on it.
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct sock_fprog program = {.len = N_HANDED_OVER + 3, .filter = filter};
	listener = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
			   SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (listener >= 0)
		execvp(command[0], command);
	_exit(127);
}

static void start(void)
{
	static char stack[64 * 1024] __attribute__((aligned(16)));
	state.child = clone(become, stack + sizeof(stack),
			    CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, NULL);
	if (state.child < 0 || listener < 0)
		die("start");
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/mem", state.child);
	state.memory = open(path, O_RDWR | O_CLOEXEC);
	if (state.memory < 0)
		die(path);
}

// @return false where no process is left that calls are handed over from
static bool next_call(struct seccomp_notif *call)
{
	struct pollfd ready = {.fd = listener, .events = POLLIN};
	for (;;) {
		if (poll(&ready, 1, -1) < 0 && errno != EINTR)
			die("poll");
		if (ready.revents & POLLIN) {
			memset(call, 0, sizeof(*call));
			if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, call) == 0)
				return true;
			// ENOENT: it died meanwhile.
			if (errno != EINTR && errno != ENOENT)
				die("receive");
		} else if (ready.revents & POLLHUP) {
			return false;
		}
	}
}

static void run(void)
{
	struct seccomp_notif call;
	while (next_call(&call)) {
		int refusal = state.doomed ? 0 : decide(&call.data);
		// A datagram is let go, with what is left of it.
		if (state.doomed && call.data.nr != __NR_sendto) {
			kill(state.child, SIGKILL);
			continue;
		}
		struct seccomp_notif_resp response = {
		    .id = call.id,
		    .error = refusal,
		    .flags = refusal ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE,
		};
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0 &&
		    errno != ENOENT)
			die("respond");
	}
}

static int index_of(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	fprintf(stderr, "boundary: what is %s?\n", word);
	exit(125);
}

int main(int argc, char **argv)
{
	if (argc < 7) {
		fputs(USAGE, stderr);
		return 125;
	}
	state.log = fopen(argv[1], "we");
	if (!state.log)
		die(argv[1]);
	state.what = index_of(WHAT, argv[2]);
	state.how = index_of(HOW, argv[3]);
	state.stop = strtoul(argv[4], NULL, 10);
	state.seed = strtoul(argv[5], NULL, 10);
	command = argv + 6;
	start();
	run();
	int status;
	if (waitpid(state.child, &status, 0) < 0)
		die("waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
