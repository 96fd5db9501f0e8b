import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../src/agent/parse-request.js';
import type { LearnerRequest } from '../../src/agent/request.js';

const NOTHING: Omit<LearnerRequest, 'text'> = {
  currentRole: undefined,
  goal: undefined,
  level: undefined,
  hoursPerWeek: undefined,
  deadlineWeeks: undefined,
  maxHours: undefined,
  languages: [],
  budget: undefined,
  excluded: [],
  wantsEnrollment: false,
  ignored: [],
};
const role = (text: string): LearnerRequest['goal'] => ({ kind: 'role', text, parts: [text] });
const topic = (...parts: string[]): LearnerRequest['goal'] => ({
  kind: 'topic',
  text: parts.join(', '),
  parts,
});

const sentences: readonly [string, Partial<LearnerRequest>][] = [
  [
    'I am a nurse and want to become a data analyst, 4 hours a week',
    { currentRole: 'nurse', goal: role('data analyst'), hoursPerWeek: 4 },
  ],
  [
    'I am a nurse, I want to become a data analyst, 4 hours a week',
    { currentRole: 'nurse', goal: role('data analyst'), hoursPerWeek: 4 },
  ],
  [
    'I’m an experienced nurse. I know the basics of Excel and want to learn advanced statistics in my free time',
    { currentRole: 'nurse', goal: topic('statistics'), level: 'advanced' },
  ],
  [
    "I'd like to switch from teaching to UX design within six weeks, no programming",
    {
      currentRole: 'teaching',
      goal: role('UX design'),
      deadlineWeeks: 6,
      excluded: ['programming'],
    },
  ],
  [
    'As an accountant I want to learn machine learning basics but nothing about robotics',
    {
      currentRole: 'accountant',
      goal: topic('machine learning'),
      level: 'beginner',
      excluded: ['robotics'],
    },
  ],
  [
    "I'm a complete beginner, I want to learn to cook in 3 months with 2-3 hours a week",
    { goal: topic('cook'), level: 'beginner', hoursPerWeek: 3, deadlineWeeks: 13, maxHours: 39 },
  ],
  ['I am new to programming', { goal: topic('programming'), level: 'beginner' }],
  [
    'learn Python, SQL and statistics for free in Spanish',
    {
      goal: topic('Python', 'SQL', 'statistics'),
      languages: ['es'],
      budget: { max: 0, currency: undefined },
    },
  ],
  ['find me SQL courses under €50', { goal: topic('SQL'), budget: { max: 50, currency: 'EUR' } }],
  [
    'retrain as a web developer; 1 hour a day; budget of 200 dollars',
    { goal: role('web developer'), hoursPerWeek: 7, budget: { max: 200, currency: 'USD' } },
  ],
  ['I want to learn Spanish, half an hour a day', { goal: topic('Spanish'), hoursPerWeek: 3.5 }],
  ['become fluent in German, I speak English', { goal: topic('German'), languages: ['en'] }],
  [
    'a beginner course about watercolor painting, max 6 hours',
    { goal: topic('watercolor painting'), level: 'beginner', maxHours: 6 },
  ],
  ['What should I take next?', {}],
  [
    'Please enroll me in the best course on data visualisation',
    { goal: topic('data visualisation'), wantsEnrollment: true },
  ],
  ["find something on SQL but don't enroll me yet", { goal: topic('SQL') }],
  [
    'I want to be a project manager by June and have 5 hours per week',
    { goal: role('project manager'), hoursPerWeek: 5, ignored: ['by June'] },
  ],
  ['sugar-free cooking in my free time', { goal: topic('sugar-free cooking') }],
  ['sql', { goal: topic('sql') }],
  [
    'Python and statistics in 10 weeks, 3 hours a week',
    { goal: topic('Python', 'statistics'), hoursPerWeek: 3, deadlineWeeks: 10, maxHours: 30 },
  ],
  [
    'I am a chef who wants to work in healthcare',
    { currentRole: 'chef', goal: role('healthcare') },
  ],
  ['我想学习数据分析', { goal: topic('我想学习数据分析') }],
];

describe('the rule-based reading of a request', () => {
  it.each(sentences)('reads %j', (text, expected) => {
    expect(parseRequest(text)).toEqual({ ...NOTHING, text, ...expected });
  });

  it('reads any text without throwing, and the same way twice', () => {
    const words = fc.constantFrom(
      'I am a',
      'want to',
      'become',
      'learn',
      '4 hours a week',
      'in 3 months',
      'free',
      'no',
      ',',
      'in German',
      'SQL',
      '¦',
      '12',
      'and',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words, { maxLength: 40 }).map((all) => all.join(' ')),
        ),
        (text) => {
          expect(parseRequest(text)).toEqual(parseRequest(text));
        },
      ),
      { seed: 20_261_121, numRuns: 500 },
    );
  });

  it('stays fast on a request that is made to be slow', () => {
    const text = 'I am a nurse who wants to become at at at in in or or 1 or 1 or '.repeat(2000);
    const started = performance.now();
    parseRequest(text);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
