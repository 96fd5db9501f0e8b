import { assert, property, string, stringMatching } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyze, fold, foldPhrase } from '../../src/catalog/domain/analysis.js';
import { correctWord, editDistance } from '../../src/catalog/domain/typo.js';

const surfaces = (text: string, languages = ['en']): string[] =>
  analyze(text, languages).map((token) => token.surface);
const terms = (text: string, languages = ['en']): string[] =>
  analyze(text, languages).flatMap((token) => [token.surface, ...token.stems]);

describe('analysis of text', () => {
  it.each([
    ['plus and hash belong to the word', 'C++ and C# vs F#', ['c++', 'c#', 'vs', 'f#']],
    ['a plus between words does not', 'java+python', ['java', 'python']],
    ['accents and case fold', 'Año ÉCOLE Übung straße', ['ano', 'ecole', 'ubung', 'strasse']],
    ['full-width letters fold', 'ＳＱＬ', ['sql']],
    ['possessives lose their ending', "the nurse's notes", ['nurse', 'notes']],
    ['stop words go', 'how to learn about the data', ['learn', 'data']],
    ['Chinese becomes overlapping bigrams', '机器学习', ['机器', '器学', '学习']],
    ['Japanese too, with the long vowel mark', 'データ分析', ['デー', 'ータ', 'タ分', '分析']],
    ['one ideograph stands alone', '猫', ['猫']],
    ['scripts in one word part', 'Python入門', ['入門', 'python']],
  ])('%s', (_, text, expected) => {
    expect(surfaces(text)).toEqual(expected);
  });

  it.each([
    ['en', 'visualizations', 'visual'],
    ['de', 'Auswertungen', 'auswert'],
    ['es', 'programación', 'program'],
  ])('adds the %s stem of %s beside the surface form', (language, word, stem) => {
    expect(terms(word, [language])).toContain(stem);
    expect(terms(word, [language])).toContain(fold(word));
  });

  it('gives a query the stems of every language it may meet', () => {
    const found = new Set(terms('Programme', ['en', 'de']));
    expect(found).toEqual(new Set(['programme', 'programm']));
  });

  it('keeps voiced Japanese marks, which are no accents', () => {
    expect(fold('が')).toBe('が');
  });

  it('never throws and gives folded words without spaces, whatever the text', () => {
    assert(
      property(string({ unit: 'binary', maxLength: 200 }), (text) => {
        for (const token of analyze(text, ['en', 'de', 'es'])) {
          expect(token.surface).not.toMatch(/\s/u);
          expect(token.surface).not.toBe('');
        }
        expect(foldPhrase(foldPhrase(text))).toBe(foldPhrase(text));
      }),
      { seed: 11, numRuns: 300 },
    );
  });
});

describe('typo correction', () => {
  it.each([
    ['pyhton', 'python', 1],
    ['statistcs', 'statistics', 1],
    ['sql', 'sqll', 1],
    ['abc', 'xyz', 3],
  ])('counts single edits and swaps: %s to %s', (a, b, edits) => {
    expect(editDistance(a, b, 5)).toBe(edits);
  });

  it('agrees with itself in both directions and stops at the limit', () => {
    const word = stringMatching(/^[abc]{0,8}$/);
    assert(
      property(word, word, (a, b) => {
        const full = editDistance(a, b, 20);
        expect(editDistance(b, a, 20)).toBe(full);
        expect(editDistance(a, b, 2)).toBe(Math.min(full, 3));
      }),
      { seed: 12, numRuns: 500 },
    );
  });

  it('prefers fewer edits, then the word of more courses, and gives up when nothing is near', () => {
    const lexicon = [
      { word: 'react', courses: 2 },
      { word: 'reach', courses: 9 },
      { word: 'rust', courses: 50 },
    ];
    expect(correctWord('reakt', lexicon)).toBe('react');
    expect(correctWord('reac', lexicon)).toBe('reach');
    expect(correctWord('kubernetes', lexicon)).toBeUndefined();
  });
});
