import { existsSync, readFileSync } from "node:fs";

/** The ELF object of a built-in program, as the build compiled it. */
export function readObject(name: string): Buffer {
	return readFileSync(new URL(`dist/bpf/${name}.bpf.o`, packageRoot()));
}

/** The package's own folder, wherever this module was bundled to. */
function packageRoot(): URL {
	let folder = new URL(".", import.meta.url);
	while (!existsSync(new URL("package.json", folder))) {
		const parent = new URL("..", folder);
		if (parent.href === folder.href) throw new Error("package.json is nowhere above this module");
		folder = parent;
	}
	return folder;
}
