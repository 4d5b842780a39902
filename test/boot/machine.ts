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
import { dirname, join } from "node:path";

export type Accelerator = "kvm" | "tcg";

export interface MachineOptions {
	/** Where download.sh has put QEMU and the kernels. */
	folder: string;
	/** As download.sh takes it: 6.1. */
	kernel: string;
	accelerator: Accelerator;
	/** The folder of this project. */
	checkout: string;
	/** Arguments of guest.sh. */
	guestArguments: readonly string[];
}

/** A virtual machine. */
export interface Machine {
	/** How QEMU ended. */
	ended: Promise<string>;
	/** A file that the guest has written, empty while there is none. */
	read(name: string): string;
	/** The last lines of the console. */
	console(): string;
	/** Ends QEMU and removes its files. */
	close(): Promise<void>;
}

/** Folders of the kernel modules that init.sh loads, and of those that they depend on. */
const FOR_INIT = ["fs", "net/9p", "drivers/virtio"];

/** Emulation is slow, so the kernel omits what only hardens it or finds disks. A panic ends QEMU: -no-reboot. */
const COMMAND_LINE = "console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr edd=off";

/**
 * Starts a virtual machine with a kernel. Its root is this machine's own, read-only with a tmpfs over it, so that
 * what is installed here runs there. It has no network.
 */
export function start({ folder, kernel, accelerator, checkout, guestArguments }: MachineOptions): Machine {
	const work = mkdtempSync(join(tmpdir(), "xdp-topology-kernel-"));
	const [linux, qemu, out] = [join(folder, `linux-${kernel}`), join(folder, "qemu"), join(work, "out")];
	mkdirSync(out);
	writeFileSync(join(out, "checkout"), checkout);
	writeFileSync(join(out, "arguments"), guestArguments.join(" "));
	writeFileSync(join(out, "path"), `${dirname(process.execPath)}:${process.env["PATH"]}`);
	writeInitramfs(work, linux, join(qemu, "bin/busybox"));
	const share = (path: string, tag: string, ...options: string[]) => [
		"-virtfs",
		["local", `path=${path}`, `mount_tag=${tag}`, "security_model=none", ...options].join(","),
	];
	const log = openSync(join(work, "qemu.log"), "w");
	const child = spawn(
		join(qemu, "usr/bin/qemu-system-x86_64"),
		[
			...["-accel", accelerator, "-cpu", accelerator === "kvm" ? "host" : "max"],
			...["-m", "2048", "-smp", "1", "-nographic", "-nodefaults", "-no-reboot"],
			...["-L", join(qemu, "usr/share/qemu"), "-L", join(qemu, "usr/share/seabios")],
			...["-serial", `file:${join(work, "console")}`],
			...["-kernel", join(linux, "boot", onlyFile(join(linux, "boot")))],
			...["-initrd", join(work, "initramfs"), "-append", COMMAND_LINE],
			...share("/", "root", "readonly=on", "multidevs=remap"),
			...share(join(linux, "lib/modules"), "modules", "readonly=on"),
			...share(out, "out"),
		],
		{ stdio: ["ignore", log, log], env: { ...process.env, LD_LIBRARY_PATH: librariesOf(qemu) } },
	);
	closeSync(log);
	const ended = new Promise<string>((resolve) => {
		child.on("error", ({ message }) => resolve(message));
		child.on("exit", (code, signal) => resolve(`QEMU ended: ${signal ?? `exit status ${code}`}`));
	});
	return {
		ended,
		read: (name) => textOf(join(out, name)),
		console: () => {
			const lines = `${textOf(join(work, "qemu.log"))}${textOf(join(work, "console"))}`.split(/\r?\n/);
			return lines
				.map(plainOf)
				.filter((line) => line !== "")
				.slice(-15)
				.join("\n");
		},
		async close() {
			child.kill("SIGKILL");
			await ended;
			rmSync(work, { recursive: true, force: true });
		},
	};
}

function textOf(path: string): string {
	return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** A line without control sequences: the firmware clears the screen. */
function plainOf(line: string): string {
	return line.replace(/\p{Cc}(?:\[[\d;?]*[A-Za-z]|c)?/gu, "").trim();
}

function onlyFile(folder: string): string {
	const [name] = readdirSync(folder);
	if (name === undefined) throw new Error(`${folder} is empty: remove ${join(folder, "..")}`);
	return name;
}

/** Libraries that QEMU needs and this machine lacks. */
function librariesOf(qemu: string): string {
	return ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"].map((name) => join(qemu, name)).join(":");
}

/** Writes init.sh, busybox and modules in the format that the kernel unpacks before anything else. */
function writeInitramfs(work: string, linux: string, busybox: string): void {
	const root = join(work, "root");
	for (const name of ["bin", "dev", "proc", "sys", "new", "lower", "changes"])
		mkdirSync(join(root, name), { recursive: true });
	cpSync(busybox, join(root, "bin/busybox"));
	cpSync("test/boot/init.sh", join(root, "init"));
	const release = onlyFile(join(linux, "lib/modules"));
	const modules = join(linux, "lib/modules", release);
	const lists = readdirSync(modules).filter((name) => name.startsWith("modules."));
	for (const name of [...lists, ...FOR_INIT.map((folder) => `kernel/${folder}`)])
		cpSync(join(modules, name), join(root, "lib/modules", release, name), { recursive: true });
	const names = [".", ...readdirSync(root, { recursive: true })];
	const { status, stdout, stderr } = spawnSync(busybox, ["cpio", "-o", "-H", "newc"], {
		cwd: root,
		input: names.map((name) => `${name}\n`).join(""),
		maxBuffer: 1 << 28,
	});
	if (status !== 0) throw new Error(`cpio: ${stderr}`);
	writeFileSync(join(work, "initramfs"), stdout);
	rmSync(root, { recursive: true });
}
