#!/usr/bin/env node
import { runCatalogAgent } from '../catalog-agent/main.js';
import { openSource } from '../catalog-agent/open-source.js';
import { processIo } from '../io.js';

const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort());
process.once('SIGTERM', () => interruption.abort());
// A reader that goes away (`| head`) is no failure.
process.stdout.on('error', () => undefined);
process.exitCode = await runCatalogAgent(process.argv.slice(2), processIo(), {
  openSource,
  signal: interruption.signal,
});
