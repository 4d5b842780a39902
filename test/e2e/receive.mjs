// Prints "ready" once it listens, and at the end how many datagrams of UDP or bytes of TCP have arrived:
// as soon as COUNT have, or else MILLISECONDS after its standard input has been closed.
// Usage: node receive.mjs udp|tcp ADDRESS PORT COUNT MILLISECONDS
import { createSocket } from "node:dgram";
import { createServer, isIPv6 } from "node:net";

const [protocol, address] = process.argv.slice(2);
const [port, count, milliseconds] = process.argv.slice(4).map(Number);
let received = 0;

function arrive(number) {
	received += number;
	if (received >= count) finish();
}

function finish() {
	process.stdout.write(`${received}\n`, () => process.exit());
}

const ready = () => process.stdout.write("ready\n");

process.stdin.resume().once("end", () => setTimeout(finish, milliseconds));
if (protocol === "tcp")
	createServer((socket) => socket.on("data", (data) => arrive(data.length))).listen(port, address, ready);
else createSocket(isIPv6(address) ? "udp6" : "udp4", () => arrive(1)).bind(port, address, ready);
