import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/processes.js';

const ATTACKS = 'authorization/attacks';

interface Row {
  readonly attack: string;
  readonly file: string;
  readonly title: string;
}

function rows(): Row[] {
  const document = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');
  const [, table = ''] = document.split('## Attacks on the authorization server');
  return [...table.matchAll(/^\| (.+?) \| `([\w/.-]+\.test\.ts)` \| (.+) \|$/gm)].map(
    ([, attack = '', file = '', title = '']) => ({ attack, file, title }),
  );
}

/** Titles as they stand in the source: with their placeholders. */
function titlesIn(file: string): string[] {
  const source = readFileSync(join(ROOT, 'test', file), 'utf8');
  const titled =
    /^\s*(?:(?:it|test)(?:\.each\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?\(|\]\)\(|\)\()\s*(['"])((?:\\.|(?!\1).)*)\1,/gm;
  return [...source.matchAll(titled)].map(([, , title = '']) => title.replaceAll(/\\(.)/g, '$1'));
}

describe('the table of attacks in docs/security.md', () => {
  it.each(rows())('names a test that is there: $attack', ({ file, title }) => {
    expect(titlesIn(file)).toContain(title);
  });

  it('names every attack once', () => {
    const attacks = rows().map(({ attack }) => attack);
    expect(new Set(attacks).size).toBe(attacks.length);
    expect(attacks.length).toBeGreaterThan(80);
  });

  it('leaves out no file with attacks', () => {
    const files = readdirSync(join(ROOT, 'test', ATTACKS)).filter((name) =>
      name.endsWith('.test.ts'),
    );
    const named = new Set(rows().map(({ file }) => file));
    expect(files.filter((name) => !named.has(`${ATTACKS}/${name}`))).toEqual([]);
  });
});

describe('the supply chain', () => {
  it('pins every dependency to one version, with its hash in the lockfile', () => {
    const read = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
    const { dependencies, devDependencies } = read('package.json') as Record<
      string,
      Record<string, string>
    >;
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(version, name).toMatch(/^(?:npm:@?[\w/.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/);
    }
    const { packages } = read('package-lock.json') as {
      packages: Record<string, { readonly integrity?: string; readonly link?: boolean }>;
    };
    for (const [path, { integrity, link }] of Object.entries(packages)) {
      if (path === '' || link === true) continue;
      expect(integrity, path).toMatch(/^sha512-/);
    }
  });
});
