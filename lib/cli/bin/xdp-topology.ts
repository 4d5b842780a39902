#!/usr/bin/env node
import { familyCommand } from "../commands.js";
import { main } from "../main.js";

await main(familyCommand());
