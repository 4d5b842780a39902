#!/usr/bin/env node
import { main } from "../main.js";
import { statsCommand } from "../stats.js";

await main(statsCommand("xdp-stats"));
