// Which system calls count, for how much, and what they can be refused with.
#include "boundary.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int bpf(int cmd)
{
	switch (cmd) {
	case BPF_MAP_CREATE:
		return reach(CHANGES, ERRNOS(ENOMEM, EPERM, EINVAL), "BPF_MAP_CREATE");
	case BPF_MAP_UPDATE_ELEM:
		return reach(CHANGES, ERRNOS(ENOMEM, EPERM, E2BIG),
			     "BPF_MAP_UPDATE_ELEM");
	case BPF_MAP_DELETE_ELEM:
		return reach(CHANGES, ERRNOS(ENOMEM, EPERM, EBUSY),
			     "BPF_MAP_DELETE_ELEM");
	case BPF_PROG_LOAD:
		return reach(CHANGES, ERRNOS(ENOMEM, EPERM, EINVAL, EACCES),
			     "BPF_PROG_LOAD");
	case BPF_BTF_LOAD:
		return reach(CHANGES, ERRNOS(ENOMEM, EPERM, EINVAL), "BPF_BTF_LOAD");
	case BPF_MAP_FREEZE:
		return reach(CHANGES, ERRNOS(EBUSY, EPERM), "BPF_MAP_FREEZE");
	case BPF_PROG_BIND_MAP:
		return reach(CHANGES, ERRNOS(ENOMEM, EPERM, EINVAL), "BPF_PROG_BIND_MAP");
	case BPF_OBJ_PIN:
		return reach(CHANGES, ERRNOS(ENOSPC, EPERM, ENOMEM), "BPF_OBJ_PIN");
	case BPF_LINK_CREATE:
	case BPF_LINK_UPDATE:
	case BPF_LINK_DETACH:
	case BPF_PROG_ATTACH:
	case BPF_PROG_DETACH:
	case BPF_MAP_UPDATE_BATCH:
	case BPF_MAP_DELETE_BATCH:
		return reach(CHANGES, ERRNOS(ENOMEM, EPERM, EBUSY), "bpf(%d)", cmd);
	default:
		return reach(ALL, ERRNOS(ENOMEM, EPERM), "bpf(%d)", cmd);
	}
}

// ethtool(8)'s way: the address of a command is in struct ifreq, and its number comes
// first.
static int ethtool(uint64_t request)
{
	uint64_t data = 0;
	uint32_t cmd = 0;
	pread(state.memory, &data, sizeof(data),
	      request + offsetof(struct ifreq, ifr_data));
	pread(state.memory, &cmd, sizeof(cmd), data);
	return reach(cmd == ETHTOOL_SFEATURES ? CHANGES : ALL,
		     ERRNOS(ENOMEM, EPERM, EINVAL, ENODEV),
		     cmd == ETHTOOL_SFEATURES ? "ETHTOOL_SFEATURES" : "ethtool 0x%x",
		     cmd);
}

// A string of the command's; the page after it may not be there.
static const char *text(uint64_t address)
{
	static char buffer[PATH_MAX];
	size_t size = 0;
	const size_t PAGE = 4096;
	while (size < sizeof(buffer) - 1) {
		size_t part = PAGE - (address + size) % PAGE;
		if (part > sizeof(buffer) - 1 - size)
			part = sizeof(buffer) - 1 - size;
		ssize_t got = pread(state.memory, buffer + size, part, address + size);
		if (got <= 0)
			break;
		if (memchr(buffer + size, 0, got))
			return buffer;
		size += got;
	}
	buffer[size] = '\0';
	return buffer;
}

// Where the system is changed and looked at by files; the command's own files are none of
// our business.
static bool is_system(const char *path)
{
	static const char *const ROOTS[] = {"/run", "/proc", "/sys"};
	for (size_t i = 0; i < sizeof(ROOTS) / sizeof(ROOTS[0]); i++)
		if (strncmp(path, ROOTS[i], strlen(ROOTS[i])) == 0)
			return true;
	return false;
}

static int open_file(const char *path, int flags)
{
	if (!is_system(path))
		return 0;
	if (flags & (O_CREAT | O_TRUNC))
		return reach(CHANGES, ERRNOS(ENOSPC, EROFS, EACCES, EMFILE), "create %s",
			     path);
	bool writes = (flags & O_ACCMODE) != O_RDONLY;
	return reach(writes ? CALLS : ALL, ERRNOS(EMFILE, EACCES, ENOMEM),
		     writes ? "open %s" : "read %s", path);
}

// The path behind a descriptor of the command's.
static const char *path_of(int fd)
{
	static char path[PATH_MAX];
	char link[64];
	snprintf(link, sizeof(link), "/proc/%d/fd/%d", state.child, fd);
	ssize_t size = readlink(link, path, sizeof(path) - 1);
	path[size < 0 ? 0 : size] = '\0';
	return path;
}

static int change_file(const char *what, const char *path, const int *errnos)
{
	return is_system(path) ? reach(CHANGES, errnos, "%s %s", what, path) : 0;
}

// Of any file, as any disk may fail; a pipe has none.
static int sync_file(const char *path)
{
	if (path[0] != '/' || strcmp(path, "/dev/null") == 0)
		return 0;
	return reach(is_system(path) ? CHANGES : ALL, ERRNOS(EIO, ENOSPC), "fsync %s",
		     path);
}

int decide(const struct seccomp_data *call)
{
	const uint64_t *arg = (const uint64_t *)call->args;
	switch (call->nr) {
	case __NR_bpf:
		return bpf(arg[0]);
	case __NR_sendto:
		netlink(arg[0], arg[1], arg[2]);
		return 0;
	case __NR_ioctl:
		return arg[1] == SIOCETHTOOL ? ethtool(arg[2]) : 0;
	case __NR_recvfrom:
		return reach(ALL, ERRNOS(ENOBUFS, ENOMEM), "recv");
	case __NR_mount:
		return reach(CHANGES, ERRNOS(ENOMEM, EPERM, ENOSPC, EBUSY), "mount %s",
			     text(arg[1]));
	case __NR_umount2:
		return reach(CHANGES, ERRNOS(ENOMEM, EPERM, EBUSY), "umount %s",
			     text(arg[0]));
	case __NR_unshare:
		return reach(CHANGES, ERRNOS(ENOMEM, EPERM, ENOSPC), "unshare");
	case __NR_setns:
		return reach(CALLS, ERRNOS(ENOMEM, EPERM), "setns");
	case __NR_flock:
		return reach(CALLS, ERRNOS(ENOLCK, ENOMEM), "flock");
	case __NR_fsync:
		return sync_file(path_of(arg[0]));
	case __NR_write:
	case __NR_pwrite64:
		return change_file("write", path_of(arg[0]),
				   ERRNOS(ENOSPC, EIO, EINVAL, ENOMEM));
	case __NR_openat:
		return open_file(text(arg[1]), arg[2]);
	case __NR_mkdirat:
		return change_file("mkdir", text(arg[1]), ERRNOS(ENOSPC, EROFS, EACCES));
	case __NR_unlinkat:
		return change_file("remove", text(arg[1]), ERRNOS(EBUSY, EIO, EROFS));
#ifdef __NR_renameat
	case __NR_renameat:
#endif
	case __NR_renameat2:
		return change_file("rename", text(arg[1]), ERRNOS(ENOSPC, EIO, EROFS));
#ifdef __NR_open
	case __NR_open:
		return open_file(text(arg[0]), arg[1]);
	case __NR_mkdir:
		return change_file("mkdir", text(arg[0]), ERRNOS(ENOSPC, EROFS, EACCES));
	case __NR_rmdir:
	case __NR_unlink:
		return change_file("remove", text(arg[0]), ERRNOS(EBUSY, EIO, EROFS));
	case __NR_rename:
		return change_file("rename", text(arg[0]), ERRNOS(ENOSPC, EIO, EROFS));
#endif
	default:
		return 0;
	}
}
