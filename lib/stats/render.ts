import { longPage } from "./long.js";
import { pageText, type Room } from "./page.js";
import type { InterfaceStats } from "./rates.js";
import { tablePage } from "./table.js";

export interface StatsTextOptions {
	/** Five rows an interface, as the tutorial's xdp_stats prints them, instead of a table. */
	long?: boolean;
	color?: boolean;
	/** Also the programs' tags, and the maps that were read. */
	verbose?: boolean;
	/** Width of the terminal, in characters: lines of the table are cut there. */
	columns?: number | undefined;
	/** Room on a terminal: interfaces that do not fit are named in the last line. */
	room?: Room;
}

/** A sample as text: a line an interface, or with `long` its five rows. */
export function statsText(interfaces: readonly InterfaceStats[], options: StatsTextOptions = {}): string {
	if (interfaces.length === 0) return "no interfaces\n";
	const { long = false, color = false, verbose = false, room, columns = room?.columns } = options;
	const page = long
		? longPage(interfaces, { color, verbose })
		: tablePage(interfaces, { color, verbose, columns });
	return pageText(page, room);
}
