#!/usr/bin/env -S node --max-semi-space-size=4
import { main } from "../main.js";
import { statsCommand } from "../stats.js";

await main(statsCommand("xdp-stats"));
