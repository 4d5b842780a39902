#!/usr/bin/env node
import { main } from "../main.js";
import { statusCommand } from "../status.js";

await main(statusCommand("xdp-status"));
