/**
 * deny.mjs SYSCALL[:ARGUMENT]=ERRNO COMMAND …: runs a command for which a system call fails, as
 * under the seccomp filter of a container. Where an ARGUMENT is given, only if the first one is that.
 */
import { spawnSync } from "node:child_process";
import koffi from "koffi";

/** asm/unistd_64.h of x86 */
const NUMBERS = { bpf: 321, unshare: 272, mount: 165, setns: 308 };
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_ERRNO = 0x00050000;

// Classic BPF: <linux/bpf_common.h>. struct seccomp_data has the number at 0 and the first argument at 16.
const load = (offset) => [0x20, 0, 0, offset];
const unlessEqual = (value, skip) => [0x15, 0, skip, value];
const answer = (value) => [0x06, 0, 0, value];

const [rule, command, ...args] = process.argv.slice(2);
const [, name, argument, errno] = /^(\w+)(?::(\d+))?=(\d+)$/.exec(rule);
const checks = [load(0), unlessEqual(NUMBERS[name], argument === undefined ? 1 : 3)];
if (argument !== undefined) checks.push(load(16), unlessEqual(Number(argument), 1));
const filter = [...checks, answer(SECCOMP_RET_ERRNO | Number(errno)), answer(SECCOMP_RET_ALLOW)];

const instructions = Buffer.alloc(8 * filter.length);
filter.forEach(([code, yes, no, k], i) => {
	instructions.writeUInt16LE(code, 8 * i);
	instructions.writeUInt8(yes, 8 * i + 2);
	instructions.writeUInt8(no, 8 * i + 3);
	instructions.writeUInt32LE(k >>> 0, 8 * i + 4);
});

const libc = koffi.load("libc.so.6");
koffi.struct("sock_fprog", { len: "uint16_t", filter: "const uint8_t *" });
const prctl = libc.func(
	"int prctl(int option, unsigned long a, sock_fprog *program, unsigned long c, unsigned long d)",
);
const set = libc.func(
	"int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)",
);
if (set(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) throw new Error("no_new_privs");
if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, { len: filter.length, filter: instructions }, 0, 0) !== 0)
	throw new Error("no seccomp");
// A child has the filter of the thread that forks it.
process.exitCode = spawnSync(command, args, { stdio: "inherit" }).status;
