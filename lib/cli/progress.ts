import type { Progress } from "../progress.js";
import { note } from "./output.js";

/** Shows stages on standard error: live on a terminal, a plain line a stage elsewhere. */
export const display: Progress = async (stages) => {
	// A terminal without a size, as `docker run -t` may give, would be drawn a letter a line.
	if (!process.stderr.isTTY || !process.stderr.columns) {
		for (const stage of stages) {
			await stage.run();
			note(stage.title);
		}
		return;
	}
	const { Listr, ListrLogger, ProcessOutput } = await import("listr2");
	await new Listr(
		stages.map(({ title, run }) => ({ title, task: run })),
		{
			// It would end the process by itself; the command undoes first.
			registerSignalListeners: false,
			rendererOptions: {
				logger: new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) }),
			},
		},
	).run();
};
