import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Machine } from "../machine.js";
import { type Snapshot, snapshot } from "./snapshot.js";
import { pair } from "./star.js";

const DIRECTORY = "/run/xdp-topology";
const STATE = `${DIRECTORY}/lab.json`;
const LAB = pair("lab");

let machine: Machine;
let bare: Snapshot;

beforeEach(async () => {
	machine = await Machine.start();
	bare = await snapshot(machine);
});
afterEach(() => machine.stop());

async function sh(script: string): Promise<string> {
	const { exitCode, stdout, stderr } = await machine.run("sh", ["-ec", script]);
	expect(exitCode, `${script}: ${stderr}`).toBe(0);
	return stdout;
}

const modes = () => sh(`stat -c '%a %u %F' ${DIRECTORY} ${STATE}`);

describe("a state is root's alone", () => {
	test.each(["0", "022", "077", "777"])("whatever the umask: %s", async (umask) => {
		const command = `umask ${umask}; exec ${process.execPath} dist/bin/xdp-apply.js -q -`;
		expect(await machine.run("sh", ["-c", command], { input: LAB })).toMatchObject({ exitCode: 0 });
		expect(await modes()).toBe("700 0 directory\n600 0 regular file");
	});

	test("also where its directory was open to others", async () => {
		await sh(`mkdir ${DIRECTORY}; chmod 777 ${DIRECTORY}`);
		expect(await machine.xdpWith(LAB, "apply", "-q")).toMatchObject({ exitCode: 0 });
		expect(await modes()).toBe("700 0 directory\n600 0 regular file");
	});

	test.each([
		["a symbolic link", `mkdir /run/elsewhere; ln -s /run/elsewhere ${DIRECTORY}`, "is a symbolic link"],
		["a link to nothing", `ln -s /run/nothing ${DIRECTORY}`, "is a symbolic link"],
		["a file", `touch ${DIRECTORY}`, "is a file"],
		["a FIFO", `mkfifo ${DIRECTORY}`, "is a FIFO"],
		["another user's", `mkdir ${DIRECTORY}; chown 65534 ${DIRECTORY}`, "belongs to user 65534"],
	])("%s in place of its directory is an error, and nothing is touched", async (_, script, what) => {
		await sh(script);
		const before = await snapshot(machine);
		for (const output of [
			await machine.xdpWith(LAB, "apply"),
			await machine.xdpWith(LAB, "plan"),
			await machine.xdp("destroy", "lab"),
			await machine.xdp("status"),
		])
			expect(output).toEqual({
				exitCode: 1,
				stdout: "",
				stderr: `error: ${DIRECTORY} ${what}, and must be a directory of root's: remove it`,
			});
		expect(await snapshot(machine)).toEqual(before);
	});

	test.each([
		["the state", "lab.json", "ln -s /run/precious"],
		["the state that is being written", "lab.json.new", "ln -s /run/precious"],
		["the state that is being written", "lab.json.new", "ln /run/precious"],
		["the state that is being written", "lab.json.new", "mkfifo"],
	])("nothing is written through what stands in place of %s: %s, %s", async (_, file, make) => {
		await sh(`mkdir ${DIRECTORY}; echo precious >/run/precious; ${make} ${DIRECTORY}/${file}`);
		expect(await machine.xdpWith(LAB, "apply", "-q")).toMatchObject({ exitCode: 0 });
		expect(await sh(`cat /run/precious; ls ${DIRECTORY} | grep -v settled`)).toBe("precious\nlab.json");
	});

	test.each(["lab.json", "lab.json.new"])(
		"a directory %s is an error, before anything is touched",
		async (name) => {
			await sh(`mkdir -m 700 ${DIRECTORY}; mkdir ${DIRECTORY}/${name}`);
			const before = await snapshot(machine);
			expect(await machine.xdpWith(LAB, "apply", "-q")).toMatchObject({
				exitCode: 1,
				stderr: `error: ${DIRECTORY}/${name} is a directory: remove it`,
			});
			expect(await snapshot(machine)).toEqual(before);
		},
	);

	test("a disk without room is an error, before anything is touched", async () => {
		await sh("mount -o remount,size=8k /run; head -c 8192 /dev/zero >/run/fill || true");
		const before = await snapshot(machine);
		expect(await machine.xdpWith(LAB, "apply", "-q")).toMatchObject({
			exitCode: 1,
			stderr: `error: write ${STATE}: ENOSPC: no space left on device`,
		});
		expect(await snapshot(machine)).toEqual(before);
	});
});

describe("a state that cannot be used costs nothing but a message", () => {
	const edit = (script: string) => `sed -i '${script}' ${STATE}`;
	test.each([
		["was cut off", `truncate --size=-1 ${STATE}`, "was cut off or edited"],
		["was emptied", `: >${STATE}`, "was cut off or edited"],
		["is no JSON", `head -c 4096 /dev/urandom >${STATE}`, "was cut off or edited"],
		["is null", `echo null >${STATE}`, "was cut off or edited"],
		["has a wrong type", edit('s/"namespaces":\\[/"namespaces":{"a":[/'), "was cut off or edited"],
		["names another file", edit('s/"name":"lab"/"name":"..\\/..\\/precious"/g'), "was cut off or edited"],
		["has settings added", edit('s/"settings":\\[/"settings":[{},/'), "was cut off or edited"],
		[
			"is another lab's",
			`sed s/lab/lob/g <${STATE} >/run/new; mv /run/new ${STATE}`,
			"was cut off or edited",
		],
		["is huge", `truncate --size=1G ${STATE}`, "is far too large"],
		["is a link", `mv ${STATE} /run/it; ln -s /run/it ${STATE}`, "is a symbolic link"],
		["never ends", `ln -sf /dev/zero ${STATE}`, "is a symbolic link"],
		["never begins", `rm ${STATE}; mkfifo ${STATE}`, "is a FIFO"],
		["is a device", `rm ${STATE}; mknod ${STATE} c 1 5`, "is a device"],
		["is anybody's to write", `chmod 666 ${STATE}`, "can be written by others"],
		["is another user's", `chown 65534 ${STATE}`, "can be written by others"],
	])("because it %s", async (_, script, why) => {
		expect(await machine.xdpWith(LAB, "apply", "-q")).toMatchObject({ exitCode: 0 });
		await sh("echo precious >/run/precious; cp /run/precious /run/copy");
		await sh(script);
		const warning = `warning: ${STATE} ${why}: what was applied before is not known`;
		for (const output of [await machine.xdp("status"), await machine.xdpWith(LAB, "plan")])
			expect(output).toMatchObject({ exitCode: 0, stderr: warning });
		const broken = await snapshot(machine);
		expect(await machine.xdpWith(LAB, "apply")).toEqual({
			exitCode: 0,
			stdout: "lab: nothing to do",
			stderr: warning,
		});
		expect(await machine.xdp("status", "lab", "--detailed-exitcode")).toMatchObject({
			exitCode: 0,
			stderr: "",
		});
		expect(await machine.xdpWith(LAB, "apply")).toMatchObject({ stdout: "lab: nothing to do", stderr: "" });
		// Again, for destroy to find.
		await sh(script);
		expect(await snapshot(machine)).toEqual(broken);
		expect(await machine.xdp("destroy", "lab", "-q")).toMatchObject({ exitCode: 0 });
		await sh("cmp /run/precious /run/copy; rm -f /run/precious /run/copy /run/it");
		expect(await snapshot(machine)).toEqual(bare);
	});

	test("xdp-destroy says so", async () => {
		await machine.xdpWith(LAB, "apply", "-q");
		await sh(`truncate --size=100 ${STATE}`);
		const { exitCode, stderr } = await machine.xdp("destroy");
		expect({ exitCode, last: stderr.split("\n").at(-1) }).toEqual({
			exitCode: 0,
			last: `warning: ${STATE} was cut off or edited: what was applied before is not known`,
		});
	});

	test("xdp-verify says so, and what to give it", async () => {
		await machine.xdpWith(LAB, "apply", "-q");
		await sh(`truncate --size=100 ${STATE}`);
		expect(await machine.xdp("verify", "lab")).toMatchObject({
			exitCode: 64,
			stderr: `error: ${STATE} was cut off or edited: what was applied before is not known: give the topology file`,
		});
	});
});
