import type { TopologyDocument } from "./generated/document.js";
import { validate } from "./generated/validate.js";
import type { Positions, Sound } from "./positions.js";
import type { Report } from "./report.js";
import { explain, type SchemaError } from "./schema-words.js";
import type { Range } from "./source.js";

/**
 * The document without what the schema refuses, each such part reported.
 *
 * Patterns are only reported where nothing else is: the checks of names and addresses that follow
 * say the same in better words.
 *
 * @param root a mapping
 */
export function checkSchema(root: object, positions: Positions, report: Report): Sound<TopologyDocument> {
	if (!validate(root)) {
		for (const [path, errors] of byPath((validate.errors ?? []) as SchemaError[])) {
			if (report.full) break;
			const place = locate(root, path, positions);
			if (place !== undefined) {
				for (const error of relevant(errors)) reportError(error, place, positions, report);
			}
		}
		prune(root, positions);
	}
	return root as Sound<TopologyDocument>;
}

/** A value and what holds it; the root is held by nothing. */
interface Place {
	value: unknown;
	container?: object;
	name: string;
}

function byPath(errors: readonly SchemaError[]): Map<string, SchemaError[]> {
	const paths = new Map<string, SchemaError[]>();
	for (const error of errors) {
		const known = paths.get(error.instancePath);
		if (known === undefined) {
			paths.set(error.instancePath, [error]);
		} else {
			known.push(error);
		}
	}
	return paths;
}

/** Follows a JSON pointer (RFC 6901); undefined if it leads through a value that is reported already. */
function locate(root: object, path: string, positions: Positions): Place | undefined {
	let place: Place = { value: root, name: "" };
	for (const token of path.split("/").slice(1)) {
		const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
		const container = place.value as Record<string, unknown>;
		if (positions.isLost(container, name)) return undefined;
		place = { value: container[name], container, name };
	}
	return place;
}

/**
 * Of several errors about one value those that say what is wrong. Alternatives differ in their type,
 * so a value that has the type of one is meant to be that one.
 */
function relevant(errors: readonly SchemaError[]): SchemaError[] {
	const alternatives = errors.find(({ keyword }) => keyword === "anyOf");
	const types = errors.filter(({ keyword }) => keyword === "type");
	const count = Array.isArray(alternatives?.schema) ? alternatives.schema.length : 1;
	if (types.length >= count && types[0] !== undefined) {
		const accepted = types.flatMap(({ params }) => params.type ?? []);
		return [{ ...types[0], params: { type: accepted } }];
	}
	const unknownKey = errors.some(({ keyword }) => keyword === "additionalProperties");
	const missing = errors.some(({ keyword }) => keyword === "required");
	return errors.filter(
		({ keyword, data, propertyName }) =>
			keyword !== "anyOf" &&
			keyword !== "type" &&
			// The enum of an alternative of another type.
			!(keyword === "enum" && typeof data !== "string") &&
			// The key that is one too many is the unknown one.
			!(keyword === "maxProperties" && unknownKey) &&
			!(keyword === "discriminator" && missing) &&
			// `propertyNames` itself follows.
			propertyName === undefined,
	);
}

function reportError(error: SchemaError, place: Place, positions: Positions, report: Report): void {
	// What tells the alternatives of a mapping apart is itself the value that is wrong.
	const wrong =
		error.keyword === "discriminator"
			? { value: null, container: place.value as object, name: error.params.tag ?? "" }
			: place;
	const { at, key } = ranges(wrong, positions);
	const text = report.source.text.slice(at.start, at.end);
	const { code, message, hint } = explain(error, place.name, text, report);
	switch (error.keyword) {
		case "additionalProperties": {
			const name = error.params.additionalProperty as string;
			report.error(positions.key(place.value as object, name), code, message, hint);
			positions.drop(place.value as object, name);
			return;
		}
		case "propertyNames":
			report.fallback(
				positions.key(place.value as object, error.params.propertyName ?? ""),
				code,
				message,
				hint,
			);
			return;
		case "pattern":
			report.fallback(at, code, message, hint);
			return;
		case "required":
			report.error(key, code, message, hint);
			break;
		case "minItems":
		case "minProperties":
		case "maxProperties":
			// A wrong number of sound things: nothing is lost.
			report.error(key, code, message, hint);
			return;
		default:
			report.error(at, code, message, hint);
	}
	if (place.container !== undefined) positions.lose(place.container, place.name);
}

/** Of a value and its key; the first character stands for the whole document. */
function ranges({ container, name }: Place, positions: Positions): { at: Range; key: Range } {
	if (container === undefined) {
		const start = { start: 0, end: 1 };
		return { at: start, key: start };
	}
	return { at: positions.value(container, name), key: positions.key(container, name) };
}

/** Removes what is lost, so that it reads as missing. Items of a list stay, or others would move. */
function prune(container: object, positions: Positions, done = new Set<object>()): void {
	if (done.has(container)) return;
	done.add(container);
	for (const { name, value } of positions.entries<unknown>(container as Record<string, unknown>)) {
		if (typeof value === "object" && value !== null) {
			prune(value, positions, done);
		} else if (value === undefined && !Array.isArray(container)) {
			delete (container as Record<string, unknown>)[name];
		}
	}
}
