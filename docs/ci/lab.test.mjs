import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { apply, destroy, loadTopology, runIn } from "xdp-topology";

const lab = await loadTopology("lab.yaml");
before(() => apply(lab));
after(() => destroy(lab.name));

test("the TTL goes down by one at the router", async () => {
	const ping = await runIn("client", () => promisify(execFile)("ping", ["-c", "1", "10.0.2.2"]));
	assert.match(ping.stdout, /ttl=63/);
});
