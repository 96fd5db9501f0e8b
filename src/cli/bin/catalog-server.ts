#!/usr/bin/env node
import { runCatalogServer } from '../catalog-server/program.js';
import { processIo } from '../io.js';

process.exitCode = await runCatalogServer(process.argv.slice(2), processIo());
