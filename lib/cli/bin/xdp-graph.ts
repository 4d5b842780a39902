#!/usr/bin/env node
import { graphCommand } from "../graph.js";
import { main } from "../main.js";

await main(graphCommand("xdp-graph"));
