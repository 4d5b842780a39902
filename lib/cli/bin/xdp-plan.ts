#!/usr/bin/env node
import { main } from "../main.js";
import { planCommand } from "../plan.js";

await main(planCommand("xdp-plan"));
