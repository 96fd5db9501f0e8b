// Takes the lock in the folder that is given, prints its process number and holds on until it is killed.
import { withFileLock } from '../../../src/client/store/file-lock.js';
import { systemClock } from '../../../src/shared/clock.js';

await withFileLock(
  { folder: process.argv[2] ?? '', what: 'a test', clock: systemClock, timeoutMs: 10_000 },
  async () => {
    process.stdout.write(`${process.pid}\n`);
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  },
);
