#!/usr/bin/env node
import { destroyCommand } from "../destroy.js";
import { main } from "../main.js";

await main(destroyCommand("xdp-destroy"));
