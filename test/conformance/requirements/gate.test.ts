import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../support/processes.js';
import { type TestIndex, findGaps } from './gate.js';
import type { Requirement } from './requirement.js';
import { serverRequirements } from './server.js';
import { readTestTitles } from './test-titles.js';

function indexOfProject(): TestIndex {
  const names = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .map((name) => `test/${name.replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.test.ts'));
  return new Map(
    names.map((name) => [name, readTestTitles(readFileSync(join(ROOT, name), 'utf8'))]),
  );
}

// The list may only shrink: with its fix, an entry gets its tests in place of its gap.
const KNOWN_GAPS = ['L-13'];

describe('the manifest of server requirements', () => {
  it('has a test that exists and runs for every MUST', () => {
    expect(findGaps(serverRequirements, indexOfProject())).toEqual([]);
  });

  it('owns up to these gaps and no others', () => {
    const open = serverRequirements.filter(({ gap }) => gap !== undefined);
    expect(open.map(({ id }) => id)).toEqual(KNOWN_GAPS);
  });

  it('exempts few', () => {
    const exempted = serverRequirements.filter(({ exemption }) => exemption !== undefined);
    expect(exempted.length).toBeLessThan(serverRequirements.length / 10);
  });
});

const SOURCE = `
  // it('is only a comment', () => {});
  describe('a block', () => {
    it('does this', () => {});
    it.each([1, 2])('does %s', () => {});
    it.each\`a\${1}\`('does $a', () => {});
    test(\`takes a template\`, () => {});
    it(\`\${made} up\`, () => {});
    it.skip('is left out', () => {});
    it.todo('is to come');
    it.skipIf(slow).each([1])('is left out at times', () => {});
    it('is left out by its options', { skip: true }, () => {});
    it('keeps a [X-1] quote \\'as it is\\'', { timeout: 5 }, () => {});
  });
  describe.skip('another', () => {
    it('is left out with its block', () => {});
  });
`;

describe('reading test titles', () => {
  it('finds tests, templates and what is skipped, and no comment', () => {
    expect(readTestTitles(SOURCE).map(({ title, isSkipped }) => [title, isSkipped])).toEqual([
      ['does this', false],
      ['does %s', false],
      ['does $a', false],
      ['takes a template', false],
      ['is left out', true],
      ['is to come', true],
      ['is left out at times', true],
      ['is left out by its options', true],
      ["keeps a [X-1] quote 'as it is'", false],
      ['is left out with its block', true],
    ]);
  });
});

const FILE = 'test/made-up.test.ts';

function entry(changes: Partial<Requirement>): Requirement {
  return {
    id: 'X-1',
    level: 'MUST',
    source: 'https://www.rfc-editor.org/rfc/rfc6750#section-3',
    behaviour: 'Something that a server has to do.',
    tests: [{ file: FILE, title: 'does %s' }],
    ...changes,
  };
}

function gaps(manifest: readonly Requirement[], source = "it.each([1])('does %s', f);"): string[] {
  return findGaps(manifest, new Map([[FILE, readTestTitles(source)]]));
}

describe('the gate', () => {
  it('is content with a MUST that a running test proves', () => {
    expect(gaps([entry({})])).toEqual([]);
  });

  it('fails when a cited test is renamed, skipped, or goes away with its file', () => {
    expect(gaps([entry({})], "it.each([1])('does it all: %s', f);")).toEqual([
      `X-1: ${FILE} has no test "does %s"`,
    ]);
    expect(gaps([entry({})], "it.skip.each([1])('does %s', f);")).toEqual([
      'X-1: "does %s" is skipped',
    ]);
    const elsewhere = [{ file: 'test/gone.test.ts', title: 'does %s' }];
    expect(gaps([entry({ tests: elsewhere })])).toEqual([
      'X-1: there is no test file test/gone.test.ts',
    ]);
  });

  it('fails on a MUST without a test, and lets a SHOULD, a MAY and an exemption with a reason be', () => {
    expect(gaps([entry({ tests: [] })])).toEqual(['X-1: a MUST without a test']);
    expect(gaps([entry({ tests: [], level: 'SHOULD' })])).toEqual([]);
    expect(gaps([entry({ tests: [], level: 'MAY' })])).toEqual([]);
    expect(gaps([entry({ tests: [], exemption: 'Only the deployer can do this.' })])).toEqual([]);
    expect(gaps([entry({ tests: [], exemption: 'no' })])).toEqual(['X-1: exempted without reason']);
    expect(gaps([entry({ exemption: 'Only the deployer can do this.' })])).toEqual([
      'X-1: exempted, and yet tested',
    ]);
    expect(gaps([entry({ tests: [], gap: 'Nothing counts the calls.' })])).toEqual([]);
    expect(gaps([entry({ gap: 'Nothing counts the calls.' })])).toEqual([
      'X-1: a gap has words, no tests and no exemption',
    ]);
  });

  it('fails on an id given twice, and on one outside its form', () => {
    expect(gaps([entry({}), entry({})])).toEqual(['X-1: given twice']);
    expect(gaps([entry({ id: 'x 1' })])).toEqual(['x 1: an id is capitals, a hyphen and a number']);
  });

  it('fails on a test that names an unknown requirement, or one that does not cite it', () => {
    const source = "it.each([1])('does %s', f); it('also [X-1] and [Y-2]', f);";
    expect(gaps([entry({})], source)).toEqual([
      `X-1: does not cite "also [X-1] and [Y-2]" of ${FILE}, which names it`,
      `${FILE}: "also [X-1] and [Y-2]" names Y-2, which is unknown`,
    ]);
  });

  it('fails on a source that is not public, and on a behaviour that is no sentence', () => {
    expect(gaps([entry({ source: 'notes.md', behaviour: 'Works' })])).toEqual([
      'X-1: notes.md is not a page of the specification',
      'X-1: the behaviour is not one sentence',
    ]);
  });
});
