import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(?!type\b)[^;]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)/g;

/** What a cold start cannot afford: each costs more than the whole stdio server. */
const FORBIDDEN = [
  /^express$/,
  /^jose$/,
  /^zod$/,
  /^@opentelemetry\//,
  /^prom-client$/,
  /^@modelcontextprotocol\/(node|express|client|sdk)/,
  /^(langchain|@langchain\/)/,
  /^(node:)?https?2?$/,
  /^src\/(server\/http|client|authorization|agent|net)\//,
];

/** Every module that an entry loads at run time, with the module that asked for it. */
function reachableFrom(entry: string): Map<string, string> {
  const importerOf = new Map<string, string>([[entry, '']]);
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const source = readFileSync(resolve(ROOT, file), 'utf8');
    for (const match of source.matchAll(IMPORT)) {
      const specifier = match[1] ?? match[2] ?? '';
      const target = specifier.startsWith('.')
        ? relative(ROOT, resolve(ROOT, dirname(file), specifier)).replace(/\.js$/, '.ts')
        : specifier;
      if (importerOf.has(target)) continue;
      importerOf.set(target, file);
      if (specifier.startsWith('.') && existsSync(resolve(ROOT, target))) open.push(target);
    }
  }
  return importerOf;
}

describe('the stdio entry', () => {
  it('reaches no module that a cold start cannot afford', () => {
    const reachable = reachableFrom('src/server/stdio/serve-stdio.ts');
    const offenders = [...reachable]
      .filter(([module]) => FORBIDDEN.some((pattern) => pattern.test(module)))
      .map(([module, importer]) => `${importer} imports ${module}`);
    expect(offenders).toEqual([]);
    expect([...reachable.keys()]).toContain('@modelcontextprotocol/server/stdio');
  });

  it('would be told of one: the HTTP entry has several', () => {
    const reachable = reachableFrom('src/server/http/http-server.ts');
    expect([...reachable.keys()]).toEqual(expect.arrayContaining(['node:http', 'jose']));
  });
});

describe('the build of the stdio bundles', () => {
  type RefuseLeaks = (name: string, metafile: object, forbidden: readonly RegExp[]) => void;
  const imports = (...paths: string[]) => ({ imports: paths.map((path) => ({ path })) });

  it('fails on a file that a cold start cannot afford, and names who wants it', async () => {
    const script = new URL('../../scripts/build-stdio.mjs', import.meta.url).href;
    const { refuseLeaks } = (await import(script)) as { readonly refuseLeaks: RefuseLeaks };
    const inputs = {
      'src/a.ts': imports('src/b.ts'),
      'src/b.ts': imports('node_modules/express/index.js'),
      'node_modules/express/index.js': imports(),
    };
    const forbidden = [/node_modules\/express\//];
    expect(() => refuseLeaks('one', { inputs }, forbidden)).toThrow(
      'too much in one:\nsrc/b.ts imports node_modules/express/index.js',
    );
    expect(() => refuseLeaks('one', { inputs }, [/node_modules\/jose\//])).not.toThrow();
  });
});
