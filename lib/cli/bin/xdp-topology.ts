#!/usr/bin/env -S node --max-semi-space-size=4
import { familyCommand } from "../commands.js";
import { main } from "../main.js";

await main(familyCommand());
