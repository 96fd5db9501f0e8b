import type { Requirement } from './requirement.js';
import type { TestTitle } from './test-titles.js';

/** The test files of the project, from its root, with the tests in them. */
export type TestIndex = ReadonlyMap<string, readonly TestTitle[]>;

const SOURCES = /^https:\/\/(?:modelcontextprotocol\.io\/|www\.rfc-editor\.org\/rfc\/rfc\d+#)/;
const ID = /^[A-Z]+-\d+$/;
const NAMED_ID = /\[([A-Z]+-\d+)\]/g;

/**
 * What is wrong with a manifest, each in one sentence; empty when every MUST is proven, exempted or owned up to as a
 * gap.
 *
 * Does NOT run the tests: that they pass is the test run's own affair.
 */
export function findGaps(manifest: readonly Requirement[], index: TestIndex): string[] {
  return [
    ...manifest.flatMap((requirement) => [
      ...gapsOfEntry(requirement),
      ...requirement.tests.flatMap((test) => gapsOfCitation(requirement.id, test, index)),
    ]),
    ...repeatedIds(manifest),
    ...strayIds(manifest, index),
  ];
}

function gapsOfEntry(requirement: Requirement): string[] {
  const { id, level, source, behaviour, tests, exemption, gap } = requirement;
  const gaps: string[] = [];
  if (!ID.test(id)) gaps.push(`${id}: an id is capitals, a hyphen and a number`);
  if (!SOURCES.test(source)) gaps.push(`${id}: ${source} is not a page of the specification`);
  if (!/^[^\n]{20,}\.$/.test(behaviour)) gaps.push(`${id}: the behaviour is not one sentence`);
  if (exemption !== undefined && exemption.length < 20) gaps.push(`${id}: exempted without reason`);
  if (exemption !== undefined && tests.length > 0) gaps.push(`${id}: exempted, and yet tested`);
  if (gap !== undefined && (gap.length < 20 || tests.length > 0 || exemption !== undefined)) {
    gaps.push(`${id}: a gap has words, no tests and no exemption`);
  }
  if (level === 'MUST' && tests.length === 0 && exemption === undefined && gap === undefined) {
    gaps.push(`${id}: a MUST without a test`);
  }
  return gaps;
}

function gapsOfCitation(
  id: string,
  { file, title }: Requirement['tests'][number],
  index: TestIndex,
): string[] {
  const titles = index.get(file);
  if (titles === undefined) return [`${id}: there is no test file ${file}`];
  const found = titles.filter((test) => test.title === title);
  if (found.length === 0) return [`${id}: ${file} has no test "${title}"`];
  return found.some((test) => test.isSkipped) ? [`${id}: "${title}" is skipped`] : [];
}

function repeatedIds(manifest: readonly Requirement[]): string[] {
  const seen = new Set<string>();
  return manifest.flatMap(({ id }) => {
    if (seen.has(id)) return [`${id}: given twice`];
    seen.add(id);
    return [];
  });
}

/** Tests that name a requirement which does not exist, or does not name them. */
function strayIds(manifest: readonly Requirement[], index: TestIndex): string[] {
  const byId = new Map(manifest.map((requirement) => [requirement.id, requirement]));
  return [...index].flatMap(([file, titles]) =>
    titles.flatMap(({ title }) =>
      [...title.matchAll(NAMED_ID)].flatMap(([, id = '']) => {
        const requirement = byId.get(id);
        if (requirement === undefined) return [`${file}: "${title}" names ${id}, which is unknown`];
        const isCited = requirement.tests.some((it) => it.file === file && it.title === title);
        return isCited ? [] : [`${id}: does not cite "${title}" of ${file}, which names it`];
      }),
    ),
  );
}
