#!/usr/bin/env -S node --max-semi-space-size=4
import { main } from "../main.js";
import { statusCommand } from "../status.js";

await main(statusCommand("xdp-status"));
