#!/usr/bin/env node
import { main } from '../catalog-client/main.js';
import { processIo } from '../io.js';

const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort(new Error('interrupted')));
process.once('SIGTERM', () => interruption.abort(new Error('interrupted')));
// A reader that goes away (`| head`) is no failure.
process.stdout.on('error', () => undefined);

process.exitCode = await main(process.argv.slice(2), processIo(), { signal: interruption.signal });
