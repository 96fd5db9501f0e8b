import { type Stemmer, newStemmer } from 'snowball-stemmers';
import { STOP_WORDS } from './stop-words.js';

/** A word of a text: `surface` is folded (case, accents, width); `stems` are its index terms besides the surface. */
export interface Token {
  readonly surface: string;
  readonly stems: readonly string[];
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  ar: 'arabic',
  cs: 'czech',
  da: 'danish',
  de: 'german',
  en: 'english',
  es: 'spanish',
  fi: 'finnish',
  fr: 'french',
  hu: 'hungarian',
  it: 'italian',
  nb: 'norwegian',
  nl: 'dutch',
  no: 'norwegian',
  pt: 'portuguese',
  ro: 'romanian',
  ru: 'russian',
  sv: 'swedish',
  tr: 'turkish',
};

const stemmers = new Map<string, Stemmer>();
const IDEOGRAPHIC =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u30FC\u3005]+/gu;
// `c++` and `c#` are words; `java+python` is two.
const WORD = /[\p{L}\p{M}\p{N}]+(?:['’]\p{L}+)?(?:[+#]{1,2}(?![\p{L}\p{N}+#]))?/gu;
const MAX_WORD_LENGTH = 64;

/** The primary subtag of a BCP 47 tag, lower case: `pt-BR` is `pt`. */
export function primaryLanguage(tag: string): string {
  return tag.split('-', 1)[0]?.toLowerCase() ?? '';
}

/** Case, width and Latin accents away; other scripts keep their marks, which carry meaning there. */
export function fold(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replaceAll(/(\p{Script=Latin})[\u0300-\u036F]+/gu, '$1')
    .normalize('NFC')
    .replaceAll('ß', 'ss');
}

/** A phrase as lookup key: its words folded and joined by one space, stop words kept. */
export function foldPhrase(text: string): string {
  return splitWords(text).map(fold).join(' ');
}

/** Splits a text into folded words without stemming; runs of CJK characters come as one word. */
export function splitWords(text: string): string[] {
  return (text.normalize('NFKC').toLowerCase().match(WORD) ?? [])
    .map((word) => word.replace(/['’]\p{L}+$/u, '').slice(0, MAX_WORD_LENGTH))
    .filter((word) => word !== '');
}

/**
 * Tokens of a text in one or several languages: a document has one, a query has those of the catalog it searches.
 * CJK runs become overlapping bigrams. Words that any of the languages calls a stop word are dropped.
 *
 * @param languages - primary subtags; one without a stemmer keeps surfaces alone
 */
export function analyze(text: string, languages: readonly string[]): Token[] {
  const tokens: Token[] = [];
  for (const word of splitWords(text)) {
    let rest = word;
    for (const run of word.match(IDEOGRAPHIC) ?? []) {
      tokens.push(...bigrams(run).map((surface) => ({ surface, stems: [] })));
      rest = rest.replace(run, ' ');
    }
    for (const part of rest.split(' ')) {
      if (part === '') continue;
      const surface = fold(part);
      if (!isStopWord(surface, languages))
        tokens.push({ surface, stems: stemsOf(part, languages) });
    }
  }
  return tokens;
}

function bigrams(run: string): string[] {
  const characters = Array.from(run);
  if (characters.length === 1) return [run];
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
}

function isStopWord(surface: string, languages: readonly string[]): boolean {
  return languages.some((language) => STOP_WORDS[language]?.has(surface) ?? false);
}

function stemsOf(word: string, languages: readonly string[]): string[] {
  const surface = fold(word);
  const stems = new Set<string>();
  for (const language of languages) {
    const stem = fold(stemmerOf(language)?.stem(word) ?? word);
    if (stem !== surface && stem !== '') stems.add(stem);
  }
  return [...stems];
}

function stemmerOf(language: string): Stemmer | undefined {
  const algorithm = ALGORITHMS[language];
  if (algorithm === undefined) return undefined;
  let stemmer = stemmers.get(language);
  if (stemmer === undefined) {
    stemmer = newStemmer(algorithm);
    stemmers.set(language, stemmer);
  }
  return stemmer;
}
