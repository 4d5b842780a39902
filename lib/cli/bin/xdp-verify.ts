#!/usr/bin/env node
import { main } from "../main.js";
import { verifyCommand } from "../verify.js";

await main(verifyCommand("xdp-verify"));
