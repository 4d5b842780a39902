#!/usr/bin/env -S node --max-semi-space-size=4
import { destroyCommand } from "../destroy.js";
import { main } from "../main.js";

await main(destroyCommand("xdp-destroy"));
