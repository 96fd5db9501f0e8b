#!/usr/bin/env node
import { baseCommand, onServe, runCommand } from '../catalog-server/base-command.js';
import { ConfigurationError } from '../catalog-server/config.js';
import { serveOverStdio } from '../catalog-server/serve-stdio.js';
import { processIo } from '../io.js';

// The entry that hosts start for every conversation: nothing of HTTP or OAuth is in this bundle, so it starts fast.
const io = processIo();
const program = onServe(baseCommand(io), io, (config) => {
  if (config.toolsFolder !== undefined || config.isWatching) {
    throw new ConfigurationError(
      'this entry serves the catalog alone: for --tools and --watch start server.js or catalog-server',
    );
  }
  return serveOverStdio(config, io);
});
// No await at the top level: the bundle is a script, and its code cache cannot hold a module.
async function run(): Promise<void> {
  process.exitCode = await runCommand(program, process.argv.slice(2), io);
}
void run();
