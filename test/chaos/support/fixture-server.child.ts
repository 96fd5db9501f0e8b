/**
 * A server whose tools ask, wait and write, as a process of its own on PostgreSQL.
 *
 *   CATALOG_DATABASE=postgres://... node --import tsx test/chaos/support/fixture-server.child.ts PORT PUBLIC_URL
 *
 * Prints {} when it is ready.
 */
import pg from 'pg';
import { z } from 'zod';
import {
  createChanges,
  createHttpServer,
  createRegistry,
  defineResourceTemplate,
  defineTool,
} from '../../../src/server/index.js';
import { openPostgresStorage } from '../../../src/storage/index.js';

const [port = '0', publicUrl = ''] = process.argv.slice(2);
const url = process.env['CATALOG_DATABASE'] ?? '';
const storage = await openPostgresStorage(url);
const changes = createChanges(storage.bus);
const pool = new pg.Pool({ connectionString: url, max: 2 });
await pool.query('CREATE TABLE IF NOT EXISTS chaos_write (word text PRIMARY KEY)');

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });
const form = { kind: 'form', schema: z.object({ name: z.string() }) } as const;

const registry = createRegistry({
  tools: [
    defineTool({
      name: 'ask',
      description: 'Asks for two names, one after the other, and puts them together.',
      scopes: [],
      async handler(_args, { ask }) {
        const { first } = await ask({ first: { ...form, message: 'First name?' } });
        const { last } = await ask({ last: { ...form, message: 'Last name?' } });
        const names = [first, last].map((answer) => (answer['content'] as { name: string }).name);
        return text(names.join(' '));
      },
    }),
    defineTool({
      name: 'wait',
      description: 'Reports progress, and takes so many milliseconds.',
      scopes: [],
      input: z.object({ ms: z.number() }),
      async handler({ ms }, { progress, signal }) {
        await progress(1);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          signal.addEventListener('abort', () => {
            clearTimeout(timer);
            resolve();
          });
        });
        return text('waited');
      },
    }),
    defineTool({
      name: 'write',
      description: 'Writes a word down, and answers when it is kept.',
      scopes: [],
      input: z.object({ word: z.string() }),
      async handler({ word }) {
        await pool.query('INSERT INTO chaos_write (word) VALUES ($1)', [word]);
        return text(word);
      },
    }),
    defineTool({
      name: 'announce',
      description: 'Says that the tools have changed.',
      scopes: [],
      handler() {
        changes.toolsChanged();
        return text('announced');
      },
    }),
  ],
  resourceTemplates: [
    defineResourceTemplate({
      uriTemplate: 'thing://{id}',
      name: 'thing',
      scopes: [],
      read: async ({ id }) => [{ text: String(id) }],
    }),
  ],
});

const server = createHttpServer({
  registry,
  publicUrl,
  serverInfo: { name: 'fixture', version: '1.0.0' },
  sessions: storage.sessions,
  events: storage.events,
  bus: storage.bus,
  changes,
  audit: storage.audit,
  stateSecret: new Uint8Array(32).fill(1),
});
await server.listen({ port: Number(port), host: '127.0.0.1' });
process.stdout.write('{}\n');
process.once('SIGTERM', () => {
  void (async () => {
    await server.close();
    await storage.close();
    await pool.end();
  })();
});
