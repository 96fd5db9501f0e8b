import { baseCommand, onServe, runCommand } from '../catalog-server/base-command.js';
import { ConfigurationError } from '../catalog-server/config.js';
import { type Opening, serveOverStdio } from '../catalog-server/serve-stdio.js';
import { processIo } from '../io.js';

// What hosts start for every conversation: nothing of HTTP or OAuth is in this bundle, so it starts fast.

/** @param opening - what was answered before this was loaded */
export async function run(opening?: Opening): Promise<void> {
  const io = processIo();
  const program = onServe(baseCommand(io), io, (config) => {
    if (config.toolsFolder !== undefined || config.isWatching) {
      throw new ConfigurationError(
        'this entry serves the catalog alone: for --tools and --watch start server.js or catalog-server',
      );
    }
    return serveOverStdio(config, io, { opening });
  });
  process.exitCode = await runCommand(program, process.argv.slice(2), io);
}
