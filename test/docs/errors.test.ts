import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/processes.js';

function codesInSource(): string[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [
      ...readFileSync(join(ROOT, 'src', name), 'utf8').matchAll(
        /readonly code(?:: [^=;]+)? = '(ERR_[A-Z_]+)'/g,
      ),
    ])
    .map((match) => match[1] ?? '')
    .sort();
}

function codesInDocument(): string[] {
  const document = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
  return [...document.matchAll(/^\| `(ERR_[A-Z_]+)` \|/gm)].map((match) => match[1] ?? '').sort();
}

describe('docs/errors.md', () => {
  it('lists every error code of the source, and no other', () => {
    expect(codesInDocument()).toEqual(codesInSource());
    expect(codesInSource().length).toBeGreaterThan(1);
  });

  it('gives each code once', () => {
    expect(new Set(codesInSource()).size).toBe(codesInSource().length);
  });
});
