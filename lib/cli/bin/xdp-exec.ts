#!/usr/bin/env -S node --max-semi-space-size=4
import { execCommand } from "../exec.js";
import { main } from "../main.js";

await main(execCommand("xdp-exec"));
