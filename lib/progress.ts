/** A part of a plan that is worked off together: one line of a progress display. */
export interface Stage {
	/** `create 3 namespaces` */
	title: string;
	run(): Promise<void>;
}

/** Shows stages while it runs them, one after the other; an error ends it. */
export type Progress = (stages: readonly Stage[]) => Promise<void>;

/** Shows nothing. */
export const silent: Progress = async (stages) => {
	for (const stage of stages) await stage.run();
};
