#!/usr/bin/env -S node --max-semi-space-size=4
import { main } from "../main.js";
import { validateCommand } from "../validate.js";

await main(validateCommand("xdp-validate"));
