#!/usr/bin/env -S node --max-semi-space-size=4
import { applyCommand } from "../apply.js";
import { main } from "../main.js";

await main(applyCommand("xdp-apply"));
