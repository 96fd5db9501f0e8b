// Reloads one tool file COUNT times and prints what of the heap is in use before and after, in bytes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createChanges, watchTools } from '../../src/server/index.js';

const [folder = '', count = '200'] = process.argv.slice(2);
const file = join(folder, 'tool.js');

/** Each version holds 400 kB. */
function save(version: number): void {
  writeFileSync(
    file,
    `const held = Array.from({ length: 50_000 }, (_, at) => at + ${version});
     export const tool = {
       name: 'tool', description: 'Version ${version}.', scopes: [],
       handler: () => ({ content: [{ type: 'text', text: String(held.length) }] }),
     };`,
  );
}

async function heapUsed(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

save(0);
const watched = await watchTools({
  from: { folder },
  changes: createChanges(),
  onError: (error) => {
    throw error;
  },
});
async function reload(versions: number, from: number): Promise<void> {
  for (let version = from; version < from + versions; version++) {
    save(version);
    await watched.reload();
    await watched
      .registry()
      .tools.get('tool')
      ?.handler({}, {} as never);
  }
}
// The first rounds compile what every reload uses.
await reload(30, 1);
const before = await heapUsed();
await reload(Number(count), 31);
const after = await heapUsed();
const { description } = watched.registry().tools.get('tool') ?? { description: '' };
watched.close();
process.stdout.write(`${JSON.stringify({ before, after, description })}\n`);
