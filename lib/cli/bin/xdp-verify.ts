#!/usr/bin/env -S node --max-semi-space-size=4
import { main } from "../main.js";
import { verifyCommand } from "../verify.js";

await main(verifyCommand("xdp-verify"));
