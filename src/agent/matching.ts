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
 * Whether two words are forms of one another ("analyst", "analysis"; "photography", "photographer"). A rough rule on
 * common beginnings: wide enough for forms of one word, too narrow for "Java" and "JavaScript".
 */
export function isSameWord(a: string, b: string): boolean {
  if (a === b) return true;
  if (CJK.test(a) || CJK.test(b))
    return a.length > 1 && b.length > 1 && (a.includes(b) || b.includes(a));
  const shorter = Math.min(a.length, b.length);
  const longer = Math.max(a.length, b.length);
  let common = 0;
  while (common < shorter && a[common] === b[common]) common++;
  return common >= 4 && shorter - common <= 2 && longer - common <= 5;
}

/** The share (0 to 1) of the phrase's subject words that occur in the text, in any form. */
export function coverage(phrase: string, text: string): number {
  const wanted = subjectWords(phrase);
  const present = subjectWords(text);
  if (wanted.length === 0) return 0;
  const found = wanted.filter((word) => present.some((other) => isSameWord(word, other)));
  return found.length / wanted.length;
}
