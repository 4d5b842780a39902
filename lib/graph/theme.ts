/**
 * The palette. In dot and PNG the light one; an SVG exchanges each colour for its dark counterpart where
 * the reader prefers that. So each role has a colour of its own, even where two look the same.
 */
export const LIGHT = {
	card: "#f6f8fa",
	cardHost: "#e9eef5",
	cardGone: "#fff5f4",
	border: "#8b949e",
	borderHost: "#57606b",
	rule: "#d1d9e0",
	line: "#7d8590",
	text: "#1f2328",
	muted: "#59636e",
	caption: "#6e7781",
	mode: "#6639ba",
	program: "#0550ae",
	programFill: "#ddf4ff",
	generic: "#7d4e00",
	genericFill: "#fff3c4",
	foreign: "#8a1760",
	foreignFill: "#ffe4f3",
	drift: "#cf222e",
	driftFill: "#ffe2df",
} as const;

const DARK: Record<keyof typeof LIGHT, string> = {
	card: "#161b22",
	cardHost: "#1d2733",
	cardGone: "#2a1618",
	border: "#6e7681",
	borderHost: "#a5afba",
	rule: "#30363d",
	line: "#848d97",
	text: "#e6edf3",
	muted: "#9da7b1",
	caption: "#8b949f",
	mode: "#c297ff",
	program: "#79c0ff",
	programFill: "#10294a",
	generic: "#e3b341",
	genericFill: "#3a2d05",
	foreign: "#ff9bce",
	foreignFill: "#42152f",
	drift: "#ff7b72",
	driftFill: "#4a1a1a",
};

/** A fixed pitch makes the layout's estimate of a text's width right in every viewer. */
export const FONTS = "DejaVu Sans Mono, Menlo, Consolas, Liberation Mono, monospace";

/** The style sheet of an SVG, over the attributes that it has. */
export function darkStyle(): string {
	const rules = Object.entries(LIGHT).map(([role, light]) => {
		const dark = DARK[role as keyof typeof LIGHT];
		return `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`;
	});
	return `@media (prefers-color-scheme:dark){${rules.join("")}}`;
}
