/**
 * flood-send.mjs ADDRESS PORT RATE: numbered UDP datagrams, so many a second, until standard input ends. Then
 * prints how many were sent.
 */
import { createSocket } from "node:dgram";

/** As many in one go at most, however late we are: less than any queue on the way takes. */
const BURST = 16;

const [address, port, rate] = process.argv.slice(2);
const socket = createSocket("udp4");
let ended = false;
process.stdin.on("end", () => {
	ended = true;
});
process.stdin.resume();

let sent = 0;
socket.connect(Number(port), address, () => {
	console.log("ready");
	let next = performance.now();
	const send = () => {
		let open = 0;
		const done = () => {
			open--;
			if (open === 0) setImmediate(turn);
		};
		const due = Math.min(BURST, Math.floor(((performance.now() - next) * rate) / 1000));
		if (due <= 0) return setImmediate(turn);
		// What is missed is missed: no burst makes up for it.
		next = due === BURST ? performance.now() : next + (due * 1000) / rate;
		open = due;
		for (let i = 0; i < due; i++) {
			const datagram = Buffer.alloc(64);
			datagram.writeUInt32BE(sent++);
			// An error is the answer to an earlier one, by ICMP.
			socket.send(datagram, done);
		}
	};
	const turn = () => {
		if (!ended) return send();
		console.log(sent);
		socket.close();
	};
	turn();
});
