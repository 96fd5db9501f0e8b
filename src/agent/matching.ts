import { FILLER } from './vocabulary.js';

const CJK =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

/** The words of a text that carry its subject: lower case, without accents, in order, each once. */
export function subjectWords(text: string): readonly string[] {
  const folded = text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/is(?=ations?\b|ed?\b|ing\b|es\b)/g, 'iz');
  const words = folded.split(/[^\p{L}\p{N}+#]+/u).filter((word) => word !== '');
  const telling = words.filter((word) => !FILLER.has(word));
  return [...new Set(telling.length > 0 ? telling : words)];
}

/**
 * Whether two words are forms of one another: "analyst" and "analysis", "photography" and "photographer". English; in
 * scripts without spaces one has to contain the other.
 */
export function isSameWord(a: string, b: string): boolean {
  if (a === b) return true;
  if (CJK.test(a) || CJK.test(b)) {
    return a.length > 1 && b.length > 1 && (a.includes(b) || b.includes(a));
  }
  return rootOf(a) === rootOf(b);
}

/** Endings with what takes their place, tried in this order, and the fewest letters that have to remain. */
const ENDINGS: readonly (readonly [ending: string, becomes: string, keeps: number])[] = [
  ['ientist', 'ienc', 2],
  ['ications', 'icat', 3],
  ['ication', 'icat', 3],
  ...['ysis', 'ytics', 'ytic', 'yst', 'yze'].map((ending) => [ending, 'y', 4] as const),
  ...[
    'ations',
    'ation',
    'ators',
    'ator',
    'ance',
    'ants',
    'ant',
    'ancy',
    'ments',
    'ment',
    'ship',
  ].map((ending) => [ending, '', 4] as const),
  ['ist', '', 5],
  ...['ness', 'ings', 'ing', 'ian', 'ers', 'er', 'ors', 'or', 'ies', 'ics', 'ical', 'ic', 'al'].map(
    (ending) => [ending, '', 4] as const,
  ),
  ...['ions', 'ion', 'ity', 'es', 'ed'].map((ending) => [ending, '', 4] as const),
  ['s', '', 3],
  ['y', '', 4],
  ['e', '', 4],
];

/**
 * The root that forms of a word share. A general stemmer is of no use here: it keeps "analyst", "analysis" and
 * "analytics" apart, and those are what a goal and a catalog call the same thing.
 */
function rootOf(word: string): string {
  let root = word;
  for (let round = 0; round < 4; round++) {
    if (/(?:ss|eer)$/.test(root)) break;
    const rule = ENDINGS.find(
      ([ending, , keeps]) => root.endsWith(ending) && root.length - ending.length >= keeps,
    );
    if (rule === undefined) break;
    root = (root.slice(0, -rule[0].length) + rule[1]).replace(/([bdgmnprt])\1$/, '$1');
    if (rule[1] !== '') break;
  }
  return root;
}

/** The share (0 to 1) of the phrase's subject words that occur in the text, in any form. */
export function coverage(phrase: string, text: string): number {
  const wanted = subjectWords(phrase);
  const present = subjectWords(text);
  if (wanted.length === 0) return 0;
  const found = wanted.filter((word) => present.some((other) => isSameWord(word, other)));
  return found.length / wanted.length;
}
