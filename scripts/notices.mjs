import { readdirSync, readFileSync } from "node:fs";

/**
 * Text with the licence of every package that is in the bundles.
 * @param metafiles esbuild's, of every build
 */
export function notices(metafiles) {
	const folders = new Set(metafiles.flatMap(bundledPackages));
	const sections = [...folders].sort().map(notice);
	return [
		"The commands of xdp-topology (dist/bin, dist/chunks) contain code of the following packages.",
		...sections,
	].join(`\n\n${"-".repeat(80)}\n\n`);
}

/** The folders of packages of which at least a byte has come into the output. */
function bundledPackages({ outputs }) {
	return Object.values(outputs)
		.flatMap(({ inputs }) => Object.entries(inputs))
		.filter(([, { bytesInOutput }]) => bytesInOutput > 0)
		.flatMap(([path]) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
}

function notice(folder) {
	const {
		name,
		version,
		license,
		homepage = "",
	} = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
	const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|notice|copying)(?:$|[.-])/i.test(file));
	if (files.length === 0) throw new Error(`${name} ${version} (${license}) has no file with its licence`);
	const texts = files.map((file) => readFileSync(`${folder}/${file}`, "utf8").trim());
	return [`${name} ${version} (${license})`, homepage, "", ...texts].join("\n").trim();
}
