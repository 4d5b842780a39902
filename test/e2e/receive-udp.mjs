// Prints "ready" once it listens, and at the end how many datagrams have arrived:
// as soon as COUNT have, or else MILLISECONDS after its standard input has been closed.
// Usage: node receive-udp.mjs ADDRESS PORT COUNT MILLISECONDS
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";

const address = process.argv[2];
const [port, count, milliseconds] = process.argv.slice(3).map(Number);
let received = 0;

const socket = createSocket(isIPv6(address) ? "udp6" : "udp4", () => {
	if (++received === count) finish();
});

function finish() {
	process.stdout.write(`${received}\n`, () => process.exit());
}

process.stdin.resume().once("end", () => setTimeout(finish, milliseconds));
socket.bind(port, address, () => process.stdout.write("ready\n"));
