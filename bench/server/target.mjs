// One server of the bench in a process of its own: `node target.mjs '<JSON options>'`, with an IPC channel.
import { targets } from './targets.mjs';

const options = JSON.parse(process.argv[2]);
const started = await targets[options.target](options);
process.on('message', (what) => {
  // With --expose-gc: what is in use, without what only waits to be collected.
  if (what === 'memory') globalThis.gc?.();
  process.send({ ...process.cpuUsage(), ...process.memoryUsage() });
});
process.on('disconnect', () => process.exit(0));
process.send({ path: '/mcp', pid: process.pid, ...started });
