/**
 * flood-receive.mjs ADDRESS PORT: receives numbered UDP datagrams until a line with how many were sent comes on
 * standard input; then waits for those that are missing as long as some come, and prints the numbers of all
 * that have arrived. `so far N` is printed now and then.
 */
import { createSocket } from "node:dgram";
import { createInterface } from "node:readline";

/** Milliseconds of silence after which no more are expected. */
const SILENCE = 300;

const [address, port] = process.argv.slice(2);
const socket = createSocket("udp4");
const arrived = new Set();
let last = 0;
socket.on("message", (datagram) => {
	arrived.add(datagram.readUInt32BE());
	last = performance.now();
	if (arrived.size % 2000 === 0) console.log(`so far ${arrived.size}`);
});
socket.bind(Number(port), address, () => {
	socket.setRecvBufferSize(1 << 24);
	console.log("ready");
});
createInterface({ input: process.stdin }).once("line", (line) => {
	last = performance.now();
	const wait = setInterval(() => {
		if (arrived.size < Number(line) && performance.now() - last < SILENCE) return;
		clearInterval(wait);
		socket.close();
		process.stdin.destroy();
		console.log(JSON.stringify([...arrived]));
	}, 10);
});
