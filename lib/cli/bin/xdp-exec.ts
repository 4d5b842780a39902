#!/usr/bin/env node
import { execCommand } from "../exec.js";
import { main } from "../main.js";

await main(execCommand("xdp-exec"));
