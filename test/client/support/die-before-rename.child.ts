// Starts to replace the file that is given, and is killed when the new text is on disk but not in place.
import { createRequire, syncBuiltinESMExports } from 'node:module';

const files = createRequire(import.meta.url)('node:fs/promises') as { rename: unknown };
files.rename = () => process.kill(process.pid, 'SIGKILL');
syncBuiltinESMExports();

const { writeFileAtomically } = await import('../../../src/client/store/files.js');
await writeFileAtomically(process.argv[2] ?? '', 'new');
