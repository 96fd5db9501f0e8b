import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/processes.js';

const DOCUMENTS = [
  ...['README.md', 'SECURITY.md', 'CHANGELOG.md'].filter((name) => existsSync(join(ROOT, name))),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
/** For people who have the sources; everything else that is named has to be in the package. */
const IN_CLONES = /^(examples|bench|test|src|scripts|tools)(\/|$)/;

/** The files that a document names, from the project's root: as links, and by their path. */
function namedIn(document: string): string[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => relative(ROOT, join(ROOT, dirname(document), target)));
  const paths = [...text.matchAll(/(?<![\w/.-])docs\/[\w./-]+\.md/g)].map(([path]) => path);
  return [...new Set([...links, ...paths])];
}

describe('the documents', () => {
  it.each(DOCUMENTS)('%s names only files that exist and come with the package', (document) => {
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      files: string[];
    };
    // npm adds these by itself.
    const packaged = [...files, 'README.md', 'LICENSE', 'package.json'];
    const named = namedIn(document);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const missing = named.filter(
      (path) =>
        !IN_CLONES.test(path) &&
        !packaged.some((entry) => path === entry || path.startsWith(`${entry}/`)),
    );
    expect(missing).toEqual([]);
  });

  it('are found from the README, every one of docs/', () => {
    const reached = new Set(namedIn('README.md'));
    for (const path of reached) {
      if (path.endsWith('.md') && existsSync(join(ROOT, path))) {
        for (const next of namedIn(path)) reached.add(next);
      }
    }
    const lost = DOCUMENTS.filter((path) => path.startsWith('docs') && !reached.has(path));
    expect(lost).toEqual([]);
  });
});
