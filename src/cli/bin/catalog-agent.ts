#!/usr/bin/env node
import { runCatalogAgent } from '../catalog-agent/main.js';
import { openSource } from '../catalog-agent/open-source.js';
import { processIo } from '../io.js';

const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort());
process.exitCode = await runCatalogAgent(process.argv.slice(2), processIo(), {
  openSource,
  signal: interruption.signal,
});
