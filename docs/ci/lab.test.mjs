import assert from "node:assert/strict";
import { test } from "node:test";
import { withLab } from "xdp-topology";

test("the TTL goes down by one at the router", () =>
	withLab("lab.yaml", async (lab) => {
		const { stdout } = await lab.exec("client", "ping", ["-c", "1", "10.0.2.2"]);
		assert.match(stdout, /ttl=63/);
	}));
