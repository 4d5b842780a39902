#!/usr/bin/env node
import { applyCommand } from "../apply.js";
import { main } from "../main.js";

await main(applyCommand("xdp-apply"));
