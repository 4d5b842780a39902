#!/usr/bin/env node
import { main } from "../main.js";
import { validateCommand } from "../validate.js";

await main(validateCommand("xdp-validate"));
