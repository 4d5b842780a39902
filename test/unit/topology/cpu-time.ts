/** Milliseconds that the CPU has worked for this process meanwhile: what others do is not counted. */
export function cpuTime(work: () => void): number {
	const start = process.cpuUsage();
	work();
	const { user, system } = process.cpuUsage(start);
	return (user + system) / 1000;
}
