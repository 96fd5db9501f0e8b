import { describe, expect, it } from 'vitest';
import { coverage, isSameWord, subjectWords } from '../../src/agent/matching.js';

describe('matching of words', () => {
  it.each([
    ['analyst', 'analysis', true],
    ['analyst', 'analytics', true],
    ['nurse', 'nursing', true],
    ['photography', 'photographer', true],
    ['manage', 'management', true],
    ['management', 'managing', true],
    ['programming', 'program', true],
    ['science', 'scientist', true],
    ['economics', 'economist', true],
    ['leadership', 'leading', true],
    ['statistics', 'statistical', true],
    ['accountant', 'accounting', true],
    ['apis', 'api', true],
    ['java', 'javascript', false],
    ['data', 'database', false],
    ['care', 'career', false],
    ['program', 'progress', false],
    ['community', 'communication', false],
    ['sql', 'sqlite', false],
    ['product', 'project', false],
    ['数据分析', '数据', true],
    ['r', 'react', false],
  ])('takes %s and %s for forms of one word: %s', (a, b, expected) => {
    expect(isSameWord(a, b)).toBe(expected);
    expect(isSameWord(b, a)).toBe(expected);
  });

  it.each([
    ['data analyst', 'Data Analysis with Python', 1],
    ['data analyst', 'Data Ethics at Work', 0.5],
    ['data visualisation', 'data-visualization', 1],
    ['café management', 'Managing a cafe', 1],
    ['C++', 'Modern C++ from the Ground Up', 1],
    ['C++', 'C# for Desktop and Web', 0],
    ['watercolor', 'SQL Basics', 0],
    ['', 'SQL Basics', 0],
  ])('finds of %j in %j the share %d', (phrase, text, share) => {
    expect(coverage(phrase, text)).toBe(share);
  });

  it('keeps filler when there is nothing else', () => {
    expect(subjectWords('the help')).toEqual(['the', 'help']);
  });
});
