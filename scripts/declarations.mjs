import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

/** Removes the declarations that no declaration reachable from an entry refers to: those of inner workings. */
export function pruneDeclarations(entry) {
	const needed = new Set();
	const visit = (file) => {
		if (needed.has(file)) return;
		needed.add(file);
		for (const [, path] of readFileSync(file, "utf8").matchAll(/(?:from |import\()"(\.[^"]+)\.js"/g))
			visit(join(dirname(file), `${path}.d.ts`));
	};
	visit(entry);
	const root = dirname(entry);
	for (const name of readdirSync(root, { recursive: true }))
		if (name.endsWith(".d.ts") && !needed.has(join(root, name))) rmSync(join(root, name));
	removeEmptyFolders(root);
}

function removeEmptyFolders(folder) {
	for (const { name, isDirectory } of readdirSync(folder, { withFileTypes: true }).map((entry) => ({
		name: join(folder, entry.name),
		isDirectory: entry.isDirectory(),
	})))
		if (isDirectory) removeEmptyFolders(name);
	if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}
