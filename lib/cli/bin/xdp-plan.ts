#!/usr/bin/env -S node --max-semi-space-size=4
import { main } from "../main.js";
import { planCommand } from "../plan.js";

await main(planCommand("xdp-plan"));
