/** Runs work that SIGINT, SIGTERM and SIGHUP interrupt: the reason of the abort is the signal's name. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
	const controller = new AbortController();
	const onSignal = (signal: NodeJS.Signals) => controller.abort(signal);
	const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
	for (const signal of signals) process.on(signal, onSignal);
	try {
		return await work(controller.signal);
	} finally {
		for (const signal of signals) process.off(signal, onSignal);
	}
}
