import { existsSync, readdirSync } from "node:fs";
import { execa } from "execa";
import type { Machine, Output } from "../machine.js";

/** A router with this many hosts behind it: a lab of a size that can be interrupted. */
export function star(hosts: number, name = "star"): string {
	const all = Array.from({ length: hosts }, (_, i) => i);
	const net = (i: number) => `10.${i >> 8}.${i & 255}`;
	return `name: ${name}
namespaces:
  ${name}-r: { forwarding: fib }
${all.map((i) => `  ${name}-${i}: { gateway: ${net(i)}.1 }`).join("\n")}
veths:
${all.map((i) => `  - ${name}-r:h${i}: ${net(i)}.1/24\n    ${name}-${i}:veth0: ${net(i)}.2/24`).join("\n")}
`;
}

/** A lab of one pair between `host` and a namespace. */
export function pair(name: string): string {
	return `name: ${name}
namespaces: { ${name}: }
veths:
  - host:to-${name}: 10.1.0.1/24
    ${name}:veth0: { addresses: 10.1.0.2/24, xdp: icmp-echo }
`;
}

/** The names that a machine's namespaces have right now, read from outside without a process. */
export function namesIn(machine: Machine): string[] {
	const folder = `/proc/${machine.pid}/root/run/netns`;
	return existsSync(folder) ? readdirSync(folder) : [];
}

/** A command that runs while the test does something else. */
export interface Running {
	child: { pid?: number | undefined; kill(signal: NodeJS.Signals): boolean; stderr: NodeJS.ReadableStream };
	ended: Promise<Output>;
}

/** Starts a built command with a topology on standard input. */
export function begin(machine: Machine, topology: string, command: string, ...args: string[]): Running {
	const enter = ["-t", String(machine.pid), "-n", "-m", `--wd=${process.cwd()}`];
	// As npm installs it: by the file's own first line.
	const run = [`dist/bin/xdp-${command}.js`, ...args, "-"];
	const child = execa("nsenter", [...enter, ...run], {
		reject: false,
		input: topology,
		env: { NO_COLOR: "1" },
	});
	return { child, ended: child.then(({ exitCode, stdout, stderr }) => ({ exitCode, stdout, stderr })) };
}
