import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Registry,
  type ToolContext,
  type WatchToolsOptions,
  type WatchedTools,
  createChanges,
  loadTools,
  watchTools,
} from '../../src/server/index.js';
import { ROOT, temporaryFolder } from '../support/processes.js';

let folder: string;
let watched: WatchedTools | undefined;
let errors: string[];
let heard: string[];
const changes = createChanges();
changes.subscribe(({ kind }) => heard.push(kind));

beforeEach(() => {
  folder = temporaryFolder();
  errors = [];
  heard = [];
});
afterEach(() => watched?.close());

function save(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

function toolFile(name: string, says = 'done', description = 'A tool.'): string {
  return `export const made = {
    name: '${name}', description: '${description}', scopes: [],
    handler: () => ({ content: [{ type: 'text', text: '${says}' }] }),
  };`;
}

async function start(options: Partial<WatchToolsOptions> = {}): Promise<WatchedTools> {
  watched = await watchTools({
    from: { folder },
    changes,
    onError: (error) => errors.push(error.message),
    ...options,
  });
  return watched;
}

async function say(registry: Registry, name: string): Promise<string | undefined> {
  const result = await registry.tools.get(name)?.handler({}, {} as ToolContext);
  return result?.content?.[0]?.['text'] as string | undefined;
}

const names = (registry: Registry): string[] => [...registry.tools.keys()];

describe('watchTools', () => {
  it('serves everything that the modules of a folder export, in the order of their names', async () => {
    mkdirSync(join(folder, 'more'));
    save('b.js', `${toolFile('b')} export const again = made;`);
    save(
      'a.ts',
      "export default [{ name: 'a', description: 'A', scopes: [], handler: () => ({}) }];",
    );
    save(
      'more/c.mjs',
      `export default (context) => ({
        tools: [{ name: context.prefix + 'c', description: 'C', scopes: [], handler: () => ({}) }],
        prompts: [{ name: 'p', scopes: [], render: () => ({ messages: [] }) }],
        resources: [{ name: 'r', uri: 'r://1', scopes: [], read: () => [] }],
        resourceTemplates: [{ name: 't', uriTemplate: 't://{id}', scopes: [], read: () => [] }],
      });`,
    );
    for (const left of ['_d.js', '.e.js', 'f.test.js', 'g.d.ts']) save(left, 'throw new Error();');
    const { registry } = await start({ from: { folder, context: { prefix: 'my_' } } });
    expect(names(registry())).toEqual(['a', 'b', 'my_c']);
    expect([...registry().prompts.keys()]).toEqual(['p']);
    expect([...registry().resources.keys()]).toEqual(['r://1']);
    expect([...registry().resourceTemplates.keys()]).toEqual(['t://{id}']);
  });

  it('gives packages as the process has them, and each file its own import.meta', async () => {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    mkdirSync(join(folder, 'lib'));
    save('lib/where.ts', 'export const where: string = import.meta.url;');
    save(
      'a.ts',
      `import { readFileSync } from 'node:fs';
       import { z } from 'zod';
       import data from './lib/data.json';
       import { where } from './lib/where.js';
       const later = await Promise.resolve('later');
       export const a = {
         name: 'a', description: 'A', scopes: [], input: z.object({}),
         handler: async () => ({ content: [{ type: 'text', text: JSON.stringify([
           where, import.meta.dirname, data, later, typeof readFileSync, (await import('node:os')).EOL,
         ]) }] }),
       };`,
    );
    save('lib/data.json', '{"n":1}');
    const { registry } = await start();
    expect(JSON.parse((await say(registry(), 'a')) ?? '')).toEqual([
      `file://${join(folder, 'lib/where.ts')}`,
      folder,
      { n: 1 },
      'later',
      'function',
      '\n',
    ]);
  });

  it('announces the lists that look different, and those alone', async () => {
    save('a.js', toolFile('a'));
    save('p.js', "export const p = { name: 'p', scopes: [], render: () => ({ messages: [] }) };");
    const { registry, reload } = await start();
    save('a.js', toolFile('a', 'another'));
    await reload();
    expect(await say(registry(), 'a')).toBe('another');
    expect(heard).toEqual([]);
    save('p.js', "export const p = { name: 'q', scopes: [], render: () => ({ messages: [] }) };");
    await reload();
    expect(heard).toEqual(['prompts']);
    save('r.js', "export const r = { name: 'r', uri: 'r://1', scopes: [], read: () => [] };");
    await reload();
    expect(heard).toEqual(['prompts', 'resources']);
  });

  it.each([
    {
      name: 'does not compile',
      text: "export const a = {\n  name: 'a',\n  description 'x',\n};",
      place: 'a.js:3:15',
      says: 'Expected "}" but found "\'x\'"',
    },
    {
      name: 'imports a package that is not there',
      text: "import { x } from '@some/package/part';\nexport const a = x;",
      place: 'a.js:1:19',
      says: 'run "npm install @some/package"',
    },
    {
      name: 'imports a file that is not there',
      text: "import { x } from './x.js';\nexport const a = x;",
      place: 'a.js:1:19',
      says: 'Could not resolve "./x.js"',
    },
    {
      name: 'throws while it is loaded',
      text: '\n\nexport const a = missing.thing;',
      place: 'a.js:3:18',
      says: 'ReferenceError: missing is not defined',
    },
    {
      name: 'throws in what it default-exports',
      text: 'export default () => {\n  throw new TypeError("no");\n};',
      place: 'a.js:2:9',
      says: 'TypeError: no',
    },
    {
      name: 'has a name that no tool may have',
      text: toolFile('a b'),
      place: 'a.js:2:11',
      says: 'tool name "a b" does not match',
    },
    {
      name: 'offers nothing',
      text: 'export const unrelated = 1;',
      place: 'a.js',
      says: 'exports no tool, resource or prompt',
    },
    {
      name: 'is empty, as half of a save is',
      text: '',
      place: 'a.js',
      says: 'exports no tool, resource or prompt',
    },
    {
      name: 'has the name of a tool in another file',
      text: toolFile('b'),
      place: 'a.js:2:11',
      says: 'tool "b" is also defined by',
    },
  ])('keeps what was served when a file $name, and says where', async ({ text, place, says }) => {
    save('a.js', toolFile('a', 'first'));
    save('b.js', toolFile('b'));
    const { registry, reload } = await start();
    save('a.js', text);
    await reload();
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`${join(folder, place)}: `);
    expect(errors[0]).toContain(says);
    expect(await say(registry(), 'a')).toBe('first');
    await reload();
    expect(errors).toHaveLength(1);
    save('a.js', toolFile('a', 'mended'));
    await reload();
    expect(await say(registry(), 'a')).toBe('mended');
    expect(errors).toHaveLength(1);
  });

  it('refuses a hand-written schema that cannot be compiled', async () => {
    save('a.js', toolFile('a', 'first'));
    const { registry, reload } = await start();
    save(
      'a.js',
      `import { jsonSchema } from 'catalog-mcp/server';
       export const a = { name: 'a', description: 'A', scopes: [], input: jsonSchema({ type: 'nonsense' }), handler: () => ({}) };`,
    );
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/catalog-mcp'));
    await reload();
    expect(errors[0]).toMatch(/a\.js:2:\d+: tool "a": .*input schema/);
    expect(await say(registry(), 'a')).toBe('first');
  });

  it('fails at the start when a file is broken', async () => {
    save('a.js', 'export const a = ;');
    await expect(start()).rejects.toMatchObject({ code: 'ERR_TOOL_FILE', line: 1, column: 18 });
    await expect(start({ from: { folder: join(folder, 'missing') } })).rejects.toMatchObject({
      code: 'ERR_TOOL_FILE',
      message: expect.stringContaining('ENOENT'),
    });
  });

  it('takes up one file while another one is broken', async () => {
    save('a.js', toolFile('a'));
    save('b.js', toolFile('b'));
    const { registry, reload } = await start();
    save('a.js', 'broken(');
    save('b.js', toolFile('b', 'new'));
    await reload();
    expect(await say(registry(), 'a')).toBe('done');
    expect(await say(registry(), 'b')).toBe('new');
  });

  it('lets a tool move from one file to another, in either order of the saves', async () => {
    save('a.js', toolFile('moving', 'in a'));
    save('b.js', toolFile('b'));
    const { registry, reload } = await start();
    save('b.js', toolFile('moving', 'in b'));
    await reload();
    expect(errors).toHaveLength(1);
    expect(await say(registry(), 'moving')).toBe('in a');
    save('a.js', toolFile('a'));
    await reload();
    expect(await say(registry(), 'moving')).toBe('in b');
    expect(names(registry())).toEqual(['a', 'moving']);
  });

  it('reloads the tools that share a changed helper, and nothing else', async () => {
    let loads = 0;
    const load = (module: Readonly<Record<string, unknown>>) => {
      loads += 1;
      return { tools: Object.values(module) as never };
    };
    mkdirSync(join(folder, '_lib'));
    save('_lib/word.ts', "export const word: string = 'one';");
    const user = (name: string): string =>
      `import { word } from './_lib/word.js';
       export const ${name} = { name: '${name}', description: 'x', scopes: [], handler: () => ({ content: [{ type: 'text', text: word }] }) };`;
    save('a.ts', user('a'));
    save('b.ts', user('b'));
    save('c.js', toolFile('c'));
    const { registry, reload } = await start({ from: { folder, load } });
    expect(loads).toBe(3);
    save('_lib/word.ts', "export const word: string = 'two';");
    await reload();
    expect(loads).toBe(5);
    expect([await say(registry(), 'a'), await say(registry(), 'b')]).toEqual(['two', 'two']);
  });

  it('accepts a helper in the folder itself, as long as a tool imports it', async () => {
    save('word.js', "export const word = 'hi';");
    save('a.js', `import { word } from './word.js';\n${toolFile('a').replace("'done'", 'word')}`);
    const { registry } = await start();
    expect(await say(registry(), 'a')).toBe('hi');
  });

  it('drops the tools of a deleted file, and takes in a new folder', async () => {
    save('a.js', toolFile('a'));
    save('b.js', toolFile('b'));
    const { registry, reload } = await start();
    rmSync(join(folder, 'b.js'));
    await reload();
    expect(names(registry())).toEqual(['a']);
    mkdirSync(join(folder, 'new'));
    save('new/c.js', toolFile('c'));
    await reload();
    expect(names(registry())).toEqual(['a', 'c']);
  });

  it('keeps the tools when the entry itself goes, until it is back', async () => {
    save('entry.ts', toolFile('a', 'one'));
    const { registry, reload } = await start({ from: { entry: join(folder, 'entry.ts') } });
    rmSync(join(folder, 'entry.ts'));
    await reload();
    expect(errors[0]).toContain('Could not resolve');
    expect(names(registry())).toEqual(['a']);
    save('entry.ts', toolFile('a', 'two'));
    await reload();
    expect(await say(registry(), 'a')).toBe('two');
  });

  it('names the source files in the stack of a tool that throws', async () => {
    save(
      'a.ts',
      "type T = string;\nexport const a = { name: 'a', description: 'A', scopes: [],\n  handler() { throw new Error('inside'); } };",
    );
    const { registry } = await start();
    const error = await Promise.resolve(
      registry()
        .tools.get('a')
        ?.handler({}, {} as ToolContext),
    ).catch((thrown: unknown) => thrown);
    expect((error as Error).stack).toContain(`${join(folder, 'a.ts')}:3:21`);
  });

  it('hears of a save by itself', async () => {
    save('a.js', toolFile('a'));
    const reloaded = new Promise<readonly string[]>((resolve) => {
      void start({ onReload: resolve }).then(() => save('a.js', toolFile('a', 'saved')));
    });
    expect(await reloaded).toEqual([join(folder, 'a.js')]);
    expect(await say(watched!.registry(), 'a')).toBe('saved');
  });

  it('says what to install when esbuild is not there', async () => {
    vi.doMock('esbuild', () => {
      throw new Error('Cannot find package');
    });
    vi.resetModules();
    const fresh = await import('../../src/server/watch/watch-tools.js');
    await expect(
      fresh.watchTools({ from: { folder }, changes, onError: () => undefined }),
    ).rejects.toMatchObject({
      code: 'ERR_BUNDLER_MISSING',
      message: expect.stringContaining('npm install --save-dev esbuild'),
    });
    vi.doUnmock('esbuild');
  });
});

describe('loadTools', () => {
  it('takes the same sources once, beside what the server has', async () => {
    save(
      'a.mjs',
      'export default ({ name }) => ({ name, description: "A", scopes: [], handler: () => ({}) });',
    );
    const base = { tools: [{ name: 'own', description: 'O', scopes: [], handler: () => ({}) }] };
    const registry = await loadTools({ base, from: { folder, context: { name: 'loaded' } } });
    expect(names(registry)).toEqual(['own', 'loaded']);
    await expect(loadTools({ base, from: { folder, context: { name: 'own' } } })).rejects.toThrow(
      'tool "own" is also defined by the server itself',
    );
  });

  it('names file and fault of a module that cannot be loaded', async () => {
    save('a.mjs', 'export const a = 1;\nthrow new Error("at the top");');
    await expect(loadTools({ from: { folder } })).rejects.toMatchObject({
      code: 'ERR_TOOL_FILE',
      message: expect.stringContaining('at the top'),
    });
  });
});

describe('the package', () => {
  it('has esbuild as an optional peer alone', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, unknown>
    >;
    expect(manifest['dependencies']).not.toHaveProperty('esbuild');
    expect(manifest['peerDependenciesMeta']).toEqual({ esbuild: { optional: true } });
  });
});
