import type { Budget, LearnerRequest, Level } from './request.js';
import type { Scanner } from './scanner.js';
import { CURRENCIES, LANGUAGES, NUMBER, readNumber } from './vocabulary.js';

const RANGE = `(${NUMBER})(?:\\s*(?:-|–|to|or)\\s*(${NUMBER}))?`;
const HOURS = String.raw`\s*-?(hours?|hrs?|h|minutes?|mins?)\b`;

const WEEKLY: Readonly<Record<string, number>> = {
  week: 1,
  wk: 1,
  weekly: 1,
  weekend: 1,
  day: 7,
  daily: 7,
  evening: 7,
  night: 7,
  weekday: 5,
  month: 12 / 52,
  monthly: 12 / 52,
};

const WEEKS: Readonly<Record<string, number>> = { day: 1 / 7, week: 1, month: 52 / 12, year: 52 };

/** Hours a week, the deadline, and the longest course that the two allow. Of "2 to 3 hours" the larger counts. */
export function parseTime(
  scanner: Scanner,
): Pick<LearnerRequest, 'hoursPerWeek' | 'deadlineWeeks' | 'maxHours'> {
  const rate = scanner.take(
    `(?:\\b(?:about|around|roughly|only|have|spend|for|with|at)\\s+)*\\b${RANGE}${HOURS}(?:\\s+of\\s+\\w+|\\s+(?:free|available|spare))?\\s*(?:(?:a|an|per|each|every|in a|\\/)\\s*(week|wk|weekday|weekend|day|evening|night|month)|(weekly|daily|monthly))\\b`,
  );
  const period = rate?.[4] ?? /(weekly|daily|monthly)\W*$/i.exec(rate?.[0] ?? '')?.[1];
  const hoursPerWeek =
    rate === undefined
      ? undefined
      : round(readHours(rate) * (WEEKLY[period?.toLowerCase() ?? 'week'] ?? 1));

  const deadline =
    scanner.take(
      `\\b(?:in|within|over|after)\\s+(?:the\\s+)?(?:next\\s+|coming\\s+|less than\\s+|under\\s+|about\\s+)?${RANGE}[\\s-]*(day|week|month|year)s?\\b(?:'s?)?(?: time)?`,
    ) ?? scanner.take(`\\b(?:i )?(?:only )?have\\s+(?:only )?${RANGE}\\s+(day|week|month)s?\\b`);
  const deadlineWeeks =
    deadline === undefined
      ? undefined
      : round(
          readNumber(deadline[2] ?? deadline[1] ?? '1') *
            (WEEKS[deadline[3]?.toLowerCase() ?? ''] ?? 1),
        );

  const total = scanner.take(
    `(?:\\b(?:at most|no more than|not more than|under|less than|up to|max(?:imum)?(?: of)?|within|in|only|have|shorter than|no longer than|not longer than|about|around|i)\\s+)*\\b${RANGE}${HOURS}(?:\\s+(?:in total|total|altogether|long|or less|at most|max|overall))?`,
  );
  const limits = [
    total === undefined ? undefined : round(readHours(total)),
    hoursPerWeek === undefined || deadlineWeeks === undefined
      ? undefined
      : round(hoursPerWeek * deadlineWeeks),
  ].filter((limit) => limit !== undefined);
  return {
    hoursPerWeek,
    deadlineWeeks,
    maxHours: limits.length === 0 ? undefined : Math.min(...limits),
  };
}

function readHours(match: { 1?: string; 2?: string; 3?: string }): number {
  const amount = readNumber(match[2] ?? match[1] ?? '1');
  return /^m/i.test(match[3] ?? '') ? amount / 60 : amount;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export function parseBudget(scanner: Scanner): Budget | undefined {
  const currency = String.raw`(\$|€|£|¥|₹|usd|eur|gbp|chf|inr|dollars?|euros?|pounds?|bucks|francs|yen|rupees)`;
  const lead = String.raw`(?:\b(?:under|below|up to|at most|max(?:imum)?(?: of)?|less than|no more than|cheaper than|(?:my |a )?budget(?: of| is|:)?|for|spend)\s+)*`;
  const amount = String.raw`(\d{1,6}(?:[.,]\d{1,2})?)`;
  const before = scanner.take(`${lead}${currency}\\s?${amount}`);
  if (before !== undefined) return toBudget(before[2], before[1]);
  const after = scanner.take(`${lead}\\b${amount}\\s?${currency}(?![a-z])`);
  if (after !== undefined) return toBudget(after[1], after[2]);
  const bare = scanner.take(`\\b(?:my |a )?budget(?: of| is|:)?\\s+${amount}\\b`);
  if (bare !== undefined) return toBudget(bare[1], undefined);
  const free = scanner.take(
    String.raw`\b(?:for free|free of charge|no budget|without paying|(?:have )?no money|at no cost|cannot pay|can't pay|can't afford(?: to pay)?(?: anything)?)\b|(?<![-\w]|\b(?:am|feel|my|i'm|be|in|of|have|some) )free(?!-|\s*(?:time|hours?|evenings?|days?|weekends?|moments?|lance))\b`,
  );
  return free === undefined ? undefined : { max: 0, currency: undefined };
}

function toBudget(amount: string | undefined, currency: string | undefined): Budget {
  return {
    max: Number((amount ?? '0').replace(',', '.')),
    currency: CURRENCIES[(currency ?? '').toLowerCase()],
  };
}

/** "in Spanish" is a language of instruction, "learn Spanish" is a topic. */
export function parseLanguages(scanner: Scanner): readonly string[] {
  const name = `(${Object.keys(LANGUAGES).join('|')})`;
  const end = String.raw`(?=\s*(?:[,.;:!?¦()]|$|\b(?:or|and|with|for|at|please|only|about|on|i|that|to|courses?|if)\b))`;
  const match =
    scanner.take(
      `(?<!\\b(?:interested|fluent|better|good|skills?|courses?|class|lessons?|expert|proficient|write|writing|confident) )\\b(?:(?:given|taught|available|preferably|only)\\s+)*in\\s+${name}(?:\\s*(?:,|or|and|\\/)\\s*${name})?${end}`,
    ) ??
    scanner.take(
      `\\bi\\s+(?:only\\s+|also\\s+)?(?:speak|understand|read)\\s+(?:only\\s+)?${name}(?:\\s*(?:,|or|and|\\/)\\s*${name})?`,
    ) ??
    scanner.take(`\\b${name}[- ](?:language|speaking|taught)\\b(?=\\s+(?:courses?|class))`);
  const codes = [match?.[1], match?.[2]].map((found) => LANGUAGES[found?.toLowerCase() ?? '']);
  return [...new Set(codes.filter((code) => code !== undefined))];
}

// Each alternative is specific enough not to be part of a subject; "expert" alone is mostly a wish, not a level.
const LEVEL_PATTERNS: readonly (readonly [Level, string])[] = [
  [
    'intermediate',
    String.raw`\b(?:(?:at )?(?:an )?intermediate(?:[ -]level)?|mid[- ]level|(?:i )?(?:already )?(?:have )?some (?:\w+ )?(?:experience|knowledge|background)|(?:i )?(?:already )?know(?:ing)? the basics(?: of)?)\b`,
  ],
  [
    'beginner',
    String.raw`\b(?:for (?:complete |absolute |total )?beginners?|(?:as )?(?:an? )?(?:complete |absolute |total |real )?(?:beginner|novice|newbie|newcomer)s?(?:'s)?(?:[ -](?:level|friendly))?(?: (?:in|at|to))?|(?:i have |with |and )?(?:no|zero|without(?: any)?|little) (?:\w+ )?(?:experience|knowledge|background)(?: (?:in|with|of))?|from (?:scratch|zero)|(?:completely |totally |very )?new to|never (?:\w+ ){0,3}(?:before|programmed|coded|studied)|starting out|(?:the )?(?:basics|fundamentals) of|(?<=\w )basics(?= *(?:[,.;:!?¦()]|$|but|and|in|with|for))|(?:an? )?introduct(?:ory|ion)(?: (?:to|level))?|entry[- ]level)(?=[\s,.;:!?¦()]|$)`,
  ],
  [
    'advanced',
    String.raw`\b(?:(?:at )?(?:an )?advanced(?:[ -]level)?|in[- ]depth|expert[- ]level|proficient)\b`,
  ],
];

export function parseLevel(scanner: Scanner, role: string | undefined): Level | undefined {
  for (const [level, pattern] of LEVEL_PATTERNS) {
    // A space, not a gap: "learn advanced statistics" goes on behind the word.
    if (scanner.take(pattern, ' ') !== undefined) return level;
  }
  const inRole = /\b(beginner|intermediate|advanced)\b/i.exec(role ?? '')?.[1];
  return inRole === undefined ? undefined : (inRole.toLowerCase() as Level);
}
