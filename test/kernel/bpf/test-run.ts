import { bpf } from "../../../lib/ffi/libc.js";
import { allocate } from "../../../lib/ffi/memory.js";

export interface RunOptions {
	/** The interface of the thread's namespace that the frame comes in through. */
	ingress: number;
	/** How often; the program gets back what it made of the frame, not the frame as it was. */
	repeat?: number;
	/** Frames go where the program sends them, instead of nowhere: so many at a time, at most 256. */
	live?: number;
}

const SPACE = 1 << 17;
const CONTEXT = 24; // struct xdp_md
const input = allocate(SPACE);
const output = allocate(SPACE);
const context = allocate(CONTEXT);

/**
 * Runs a program on a frame.
 * @returns what the program returned last, and the frame as it left it: none where it is live
 */
export function testRun(
	fd: number,
	frame: Uint8Array,
	options: RunOptions,
): { action: number; frame: Buffer } {
	const { ingress, repeat = 1, live = 0 } = options;
	input.bytes.set(frame);
	context.bytes.fill(0).writeUInt32LE(frame.length, 4);
	context.bytes.writeUInt32LE(ingress, 12);
	// union bpf_attr, the part `test`, <linux/bpf.h>
	const BPF_PROG_TEST_RUN = 10;
	const BPF_F_TEST_XDP_LIVE_FRAMES = 2;
	const attributes = Buffer.alloc(80);
	attributes.writeUInt32LE(fd, 0);
	attributes.writeUInt32LE(frame.length, 8);
	attributes.writeUInt32LE(live ? 0 : SPACE, 12);
	attributes.writeBigUInt64LE(input.address, 16);
	attributes.writeBigUInt64LE(live ? 0n : output.address, 24);
	attributes.writeUInt32LE(repeat, 32);
	attributes.writeUInt32LE(CONTEXT, 40);
	attributes.writeBigUInt64LE(context.address, 48);
	attributes.writeUInt32LE(live ? BPF_F_TEST_XDP_LIVE_FRAMES : 0, 64);
	attributes.writeUInt32LE(live, 72);
	bpf(BPF_PROG_TEST_RUN, attributes);
	return {
		action: attributes.readUInt32LE(4),
		frame: Buffer.from(output.bytes.subarray(0, attributes.readUInt32LE(12))),
	};
}
