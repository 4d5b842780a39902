#!/usr/bin/env -S node --max-semi-space-size=4
import { graphCommand } from "../graph.js";
import { main } from "../main.js";

await main(graphCommand("xdp-graph"));
