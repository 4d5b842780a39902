/**
 * The user's text on its way to a terminal. Nothing of it may move the cursor, change colours or
 * reorder the line: controls, format characters (bidirectional ones too) and lone surrogates.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** How much of a value is quoted in a message, in UTF-16 code units. */
const QUOTED_LENGTH = 60;

function escaped(character: string): string {
	return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** The text with everything unprintable escaped as in JavaScript: `\u{1b}`. */
export function printable(text: string): string {
	return text.replace(unprintable, escaped);
}

/** The same of a text of several lines. */
export function printableLines(text: string): string {
	return text.split("\n").map(printable).join("\n");
}

/** A value of the user's as it stands in a message: printable, in backticks, cut if it is long. */
export function quote(text: string): string {
	const cut = text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH)}…` : text;
	return `\`${printable(cut)}\``;
}

/** `a, b or c`. */
export function list(words: readonly string[]): string {
	return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** One column for each character that has no picture, so that a caret below still points right. */
export function pictured(character: string): string {
	const code = character.codePointAt(0) ?? 0;
	if (code < 0x20) {
		// U+2400 and on are the pictures of the C0 controls.
		return String.fromCodePoint(0x2400 + code);
	}
	return character.replace(unprintable, "\uFFFD");
}

const wide =
	/[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
const combining = /\p{M}/u;

/** The terminal columns that one character takes: 0, 1 or 2. */
export function columns(character: string): number {
	if (character < "\u0300") return 1;
	if (combining.test(character)) return 0;
	return wide.test(character) ? 2 : 1;
}
