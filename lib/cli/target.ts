/** An argument with a `/`, or that ends in `.yaml` or `.yml`, is a file, `-` too; any other is a lab. */
export function isFile(target: string): boolean {
	return target === "-" || target.includes("/") || /\.ya?ml$/.test(target);
}
