// A virtual machine that boots one kernel. Its root is this machine's own, read-only with a tmpfs over it: what runs
// in the virtual machine is what is installed here.
import { spawn, spawnSync } from "node:child_process";
import {
	closeSync,
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The modules that init.sh loads, and those that they depend on. */
const FOR_INIT = ["fs", "net/9p", "drivers/virtio"];

/** Emulation is slow: what only hardens or looks for disks is off. A panic ends QEMU (-no-reboot). */
const COMMAND_LINE = "console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr edd=off";

/**
 * A booted kernel. `close` ends QEMU and removes the files.
 * @typedef {object} Machine
 * @property {Promise<string>} ended how QEMU ended
 * @property {(name: string) => string} read a file that the guest wrote, empty while there is none
 * @property {() => string} console the last lines of the console
 * @property {() => Promise<void>} close
 */

/**
 * Starts QEMU.
 * @param {{folder: string, kernel: string, accelerator: "kvm" | "tcg", checkout: string, guestArguments: string[]}} options
 *   `folder` is where download.sh put things
 * @returns {Machine}
 */
export function start({ folder, kernel, accelerator, checkout, guestArguments }) {
	const work = mkdtempSync(join(tmpdir(), "xdp-topology-kernel-"));
	const out = join(work, "out");
	mkdirSync(out);
	writeFileSync(join(out, "checkout"), checkout);
	writeFileSync(join(out, "arguments"), guestArguments.join(" "));
	const linux = join(folder, `linux-${kernel}`);
	const qemu = join(folder, "qemu");
	writeInitramfs(work, linux, join(qemu, "bin/busybox"));
	const [image] = readdirSync(join(linux, "boot"));
	const share = (path, tag, options = "") => [
		"-virtfs",
		`local,path=${path},mount_tag=${tag},security_model=none${options}`,
	];
	const log = openSync(join(work, "qemu"), "w");
	const child = spawn(
		join(qemu, "usr/bin/qemu-system-x86_64"),
		[
			...["-accel", accelerator, "-cpu", accelerator === "kvm" ? "host" : "max"],
			...["-m", "2048", "-smp", "1", "-nographic", "-nodefaults", "-no-reboot"],
			...["-L", join(qemu, "usr/share/qemu"), "-L", join(qemu, "usr/share/seabios")],
			...["-serial", `file:${join(work, "console")}`],
			...["-kernel", join(linux, "boot", image), "-initrd", join(work, "initramfs")],
			...["-append", COMMAND_LINE],
			...share("/", "root", ",readonly=on,multidevs=remap"),
			...share(join(linux, "lib/modules"), "modules", ",readonly=on"),
			...share(out, "out"),
		],
		{ stdio: ["ignore", log, log], env: { ...process.env, LD_LIBRARY_PATH: libraries(qemu) } },
	);
	closeSync(log);
	const ended = new Promise((resolve) => {
		child.on("error", ({ message }) => resolve(message));
		child.on("exit", (code, signal) => resolve(signal ?? `exit status ${code}`));
	});
	const read = (path) => (existsSync(path) ? readFileSync(path, "utf8") : "");
	return {
		ended,
		read: (name) => read(join(out, name)),
		console: () =>
			(read(join(work, "qemu")) + read(join(work, "console"))).trimEnd().split(/\r?\n/).slice(-15).join("\n"),
		async close() {
			child.kill("SIGKILL");
			await ended;
			rmSync(work, { recursive: true, force: true });
		},
	};
}

function libraries(qemu) {
	return ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib", "lib"]
		.map((folder) => join(qemu, folder))
		.join(":");
}

/** init.sh, busybox and the modules, as the kernel unpacks them before anything else. */
function writeInitramfs(work, linux, busybox) {
	const root = join(work, "initramfs.d");
	for (const folder of ["bin", "dev", "proc", "sys", "new", "lower", "changes"])
		mkdirSync(join(root, folder), { recursive: true });
	cpSync(busybox, join(root, "bin/busybox"));
	cpSync(new URL("init.sh", import.meta.url), join(root, "init"));
	const [release] = readdirSync(join(linux, "lib/modules"));
	const modules = join(linux, "lib/modules", release);
	const wanted = [
		...FOR_INIT.map((name) => `kernel/${name}`),
		...readdirSync(modules).filter((name) => name.startsWith("modules.")),
	];
	for (const name of wanted)
		if (existsSync(join(modules, name)))
			cpSync(join(modules, name), join(root, "lib/modules", release, name), { recursive: true });
	const names = [".", ...readdirSync(root, { recursive: true })];
	const packed = spawnSync(busybox, ["cpio", "-o", "-H", "newc"], {
		cwd: root,
		input: names.map((name) => `${name}\n`).join(""),
		maxBuffer: 1 << 28,
	});
	if (packed.status !== 0) throw new Error(`cpio: ${packed.stderr}`);
	writeFileSync(join(work, "initramfs"), packed.stdout);
	rmSync(root, { recursive: true });
}
