#!/usr/bin/env node
import { Command } from 'commander';
import { type RawSettings, resolveConfig, settingOptions } from '../catalog-server/config.js';
import { serveOverStdio } from '../catalog-server/serve-stdio.js';
import { EXIT } from '../exit-codes.js';
import { processIo } from '../io.js';

// The entry that hosts start for every conversation: only what stdio needs is in this bundle.
const io = processIo();
const program = new Command('catalog-server').exitOverride().allowExcessArguments(false);
for (const option of settingOptions()) program.addOption(option);
