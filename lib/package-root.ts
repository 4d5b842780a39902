import { existsSync } from "node:fs";

/** The package's own folder, wherever this module was bundled to. */
export function packageRoot(): URL {
	let folder = new URL(".", import.meta.url);
	while (!existsSync(new URL("package.json", folder))) {
		const parent = new URL("..", folder);
		if (parent.href === folder.href) throw new Error("package.json is nowhere above this module");
		folder = parent;
	}
	return folder;
}
