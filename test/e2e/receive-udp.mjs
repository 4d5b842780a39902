// Prints "ready" once it listens, over IPv4 and IPv6, and at the end how many datagrams have arrived:
// as soon as COUNT have, or else MILLISECONDS after its standard input has been closed.
// Usage: node receive-udp.mjs PORT COUNT MILLISECONDS
import { createSocket } from "node:dgram";

const [port, count, milliseconds] = process.argv.slice(2).map(Number);
let received = 0;

const socket = createSocket("udp6", () => {
	if (++received === count) finish();
});

function finish() {
	process.stdout.write(`${received}\n`, () => process.exit());
}

process.stdin.resume().once("end", () => setTimeout(finish, milliseconds));
socket.bind(port, "::", () => process.stdout.write("ready\n"));
