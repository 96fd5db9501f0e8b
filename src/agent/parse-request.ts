import type { Budget, Goal, LearnerRequest, Level } from './request.js';
import { parseBudget, parseLanguages, parseLevel, parseTime } from './parse-conditions.js';
import { type Scanner, scan } from './scanner.js';
import { FILLER } from './vocabulary.js';

// A phrase ends where the next thought begins. Lengths are bounded so that no sentence makes matching slow.
const NEXT_THOUGHT =
  String.raw`(?=\s*(?:[,.;:!?¦()]|$|\b(?:and (?:i|i'm|have|want|need|earn|can|only|get|make|start|work|do|find|leave|am|would|please|then)|` +
  String.raw`but|who|so|because|while|since|with (?:my|no|only|little|a|an|limited|about)|in (?:my|a|an|the|order|under)|` +
  String.raw`from|at|by|for (?:my|a|an|the|work|beginners?)|please|i|i'm|i've|we|as i|that|which|preferably|ideally|if|when|instead|now|without|not)\b))`;
const PHRASE = String.raw`([^,.;:!?¦()]{1,80}?)${NEXT_THOUGHT}`;

const NOT_A_ROLE =
  /^(?:(?:complete|absolute|total|real|true|bit|little|fan|few|fast|quick|slow|lover|big|person|beginner|novice|newbie|newcomer|man|woman|lot)\b)/i;

/**
 * Reads a request by rules, without a model. English; of a sentence in another language only the words survive, as the
 * topic. Never throws; the same sentence always gives the same reading.
 *
 * Conditions that it recognises as such but cannot use ("by June") are listed in `ignored`.
 */
export function parseRequest(text: string): LearnerRequest {
  const scanner = scan(text);
  const wantsEnrollment = parseEnrollment(scanner);
  const time = parseTime(scanner);
  const change = scanner.take(
    `\\b(?:switch|switching|move|moving|change|changing|transition|transitioning|go|going)\\s+(?:careers?\\s+)?from\\s+([^,.;:!?¦()]{1,60}?)\\s+(?:in)?to\\s+(?:an?\\s+)?${PHRASE}`,
  );
  const role = clean(change?.[1]) ?? parseCurrentRole(scanner);
  const budget: Budget | undefined = parseBudget(scanner);
  const languages = parseLanguages(scanner);
  const level: Level | undefined = parseLevel(scanner, role);
  const ignored = parseIgnored(scanner);
  const excluded = parseExcluded(scanner);
  const changed = clean(change?.[2]);
  const { goal, level: goalLevel } = takeLevelOff(
    (changed === undefined ? undefined : roleGoal(changed)) ??
      parseGoal(scanner) ??
      remainingTopic(scanner),
  );
  return {
    text,
    currentRole: role,
    goal,
    level: goalLevel ?? level,
    ...time,
    languages,
    budget,
    excluded,
    wantsEnrollment,
    ignored,
  };
}

function parseEnrollment(scanner: Scanner): boolean {
  const refused = scanner.take(
    String.raw`\b(?:do not|don't|dont|without|no need to|not)\s+(?:enrol|enroll|enrolling|sign(?:ing)? me up)\w*(?: me)?(?: (?:yet|now))?`,
  );
  if (refused !== undefined) return false;
  const asked = scanner.take(
    String.raw`(?:\band\s+)?\b(?:please\s+)?(?:enroll?\s+me|sign me up|register me|enroll? in (?:it|them|the (?:best|first)(?: one)?))(?:\s+(?:for|in|into|on|to)\s+(?:it|them|(?:the|a) (?:best|first|right|suitable|good)(?: (?:one|course))?))?`,
  );
  return asked !== undefined;
}

function parseCurrentRole(scanner: Scanner): string | undefined {
  const phrase = String.raw`([^,.;:!?¦()]{2,60}?)(?=\s*(?:[,.;:!?¦()]|$|\b(?:and|but|who|with|in (?:a|an|the|my)|at|for|looking|wanting|want|trying|hoping|interested|now|i|i'd|i'm|so|since|that)\b))`;
  const patterns = [
    `\\bi(?:'m| am| work as| worked as| have worked as|'ve worked as| have been|'ve been| was)\\s+(?:currently |now |just |working as |still |already )*(?:an?|the)\\s+${phrase}`,
    `^\\s*(?:speaking )?as an?\\s+${phrase}`,
    String.raw`^\s*([a-z][a-z -]{2,40}?)(?=\s+(?:here\b|(?:looking|wanting|hoping|trying) to\b|who wants? to\b))`,
  ];
  for (const pattern of patterns) {
    const found = scanner.peek(pattern);
    const role = clean(found?.[1]);
    if (role === undefined || NOT_A_ROLE.test(role)) continue;
    scanner.take(pattern);
    return role.replace(
      /^(?:(?:experienced|senior|junior|former|qualified|trained|retired)\s+)+/i,
      '',
    );
  }
  return undefined;
}

/** Conditions that a person means and that no catalog field answers. */
function parseIgnored(scanner: Scanner): readonly string[] {
  const found: string[] = [];
  const patterns = [
    String.raw`\b(?:by|before|until|starting in|from)\s+(?:the end of\s+)?(?:january|february|march|april|may|june|july|august|september|october|november|december|summer|autumn|winter|spring|christmas|easter|next (?:week|month|year|summer|term))\b`,
    String.raw`\b(?:near|close to|within walking distance of)\s+[^,.;:!?¦()]{2,40}`,
    String.raw`\b(?:on|only on)\s+(?:mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?|weekends?|weekdays?)\b`,
  ];
  for (const pattern of patterns) {
    const match = scanner.take(pattern);
    if (match !== undefined) found.push(match[0].trim());
  }
  return found;
}

function parseExcluded(scanner: Scanner): readonly string[] {
  const excluded: string[] = [];
  const pattern = String.raw`\b(?:but\s+)?(?:no|not|nothing (?:about|with|on)|without|avoid|excluding|except|(?:i )?(?:do not|don't) (?:want|like)(?: (?:any|to (?:do|learn)))?|other than)\s+(?:any\s+|about\s+)?([^,.;:!?¦()]{2,40}?)(?=\s*(?:[,.;:!?¦()]|$|\b(?:and|but|please|because|so)\b))`;
  for (let round = 0; round < 5; round++) {
    const topic = clean(scanner.take(pattern)?.[1]);
    if (topic === undefined) break;
    const words = topic.split(' ').filter((word) => !FILLER.has(word.toLowerCase()));
    if (words.length > 0) excluded.push(words.join(' '));
  }
  return excluded;
}

function parseGoal(scanner: Scanner): Goal | undefined {
  const better = scanner.take(
    `\\b(?:become|becoming|be|get|getting)\\s+(?:better|good|more \\w+|fluent|proficient|certified|confident|skilled|an expert)\\s+(?:at|in|with|on)\\s+${PHRASE}`,
  );
  if (better !== undefined) return topicGoal(better[1], scanner);
  const role = scanner.take(
    String.raw`\b(?:become|becoming|(?:want|like|love|hope|plan|wish|need|trying|going) to be|work as|working as|(?:want|wants|like|love|hope|plan) to work in|(?:job|career|position|role) as|` +
      String.raw`train(?:ing)? (?:as|to be)|qualify as|retrain(?:ing)? (?:as|in|for)|(?:transition|transitioning|move|moving|switch|switching|change|changing)\s+(?:careers?\s+|jobs?\s+)?(?:in)?to|` +
      `career change (?:in)?to|(?:career|job|jobs) in|path to(?: becoming)?)\\s+(?:an?\\s+|the\\s+)?${PHRASE}`,
  );
  const roleText = clean(role?.[1]);
  if (roleText !== undefined) return roleGoal(roleText);
  const topic = scanner.take(
    String.raw`\b(?:learn(?:ing)?(?: more)?(?: about| how to| to)?|study(?:ing)?|understand(?:ing)?|master(?:ing)?|` +
      String.raw`get (?:into|started (?:with|in|on))|improve|(?:know|find out) more about|interested in|teach me|brush up(?: on)?|` +
      String.raw`refresh|(?:course|class|training|lesson|tutorial|workshop|something|anything)(?:e?s)? (?:on|about|in|covering)|skills? in|explore|` +
      `pick up|dive into|focus(?:ing)? on|topics?:)\\s+(?:my\\s+|some\\s+|more\\s+|how to\\s+|about\\s+)*${PHRASE}`,
  );
  return topic === undefined ? undefined : topicGoal(topic[1], scanner, topic.after);
}

/** "learn advanced statistics" says more about the level than "I know the basics of Excel" before it. */
function takeLevelOff(goal: Goal | undefined): {
  goal: Goal | undefined;
  level: Level | undefined;
} {
  const adjective = /^(beginner|intermediate|advanced)\s+(?=\S)/i;
  const level = adjective.exec(goal?.parts[0] ?? '')?.[1]?.toLowerCase() as Level | undefined;
  if (goal === undefined || level === undefined || goal.kind === 'role') {
    return { goal, level: undefined };
  }
  const parts = goal.parts.map((part) => part.replace(adjective, ''));
  return { goal: { ...goal, text: parts.join(', '), parts }, level };
}

function roleGoal(text: string): Goal {
  return { kind: 'role', text, parts: [text] };
}

/** A topic may go on behind commas: "learn Python, SQL and statistics". */
function topicGoal(first: string | undefined, scanner: Scanner, after = ''): Goal | undefined {
  const texts = [first ?? ''];
  for (const piece of after
    .split(/[.;:!?¦()]/)[0]
    ?.split(',')
    .slice(1, 6) ?? []) {
    const words = piece.trim().split(/\s+/);
    const isListItem =
      words.length <= 4 &&
      words.every((word) => /^[\p{L}+#./-]+$/u.test(word)) &&
      !/^(?:i|in|at|with|but|for|my|preferably|ideally|please|no|not|without|only|starting|so|because|we|as|by|which|that)$/i.test(
        words[0] ?? '',
      );
    if (!isListItem) break;
    texts.push(piece);
    scanner.remove(piece);
  }
  const parts = texts
    .flatMap((text) => text.split(/\s*(?:\band\b|\bor\b|[/&;])\s*/i))
    .map(clean)
    .filter((part) => part !== undefined);
  if (parts.length === 0) return undefined;
  return { kind: 'topic', text: parts.join(', '), parts };
}

/** No goal phrase: what the sentence is about is what remains without the conditions and the filler. */
function remainingTopic(scanner: Scanner): Goal | undefined {
  const parts = scanner.rest
    .split(/,|\band\b|\bor\b|&/i)
    .map((piece) =>
      piece
        .split(/[\s.;:!?¦()"]+/)
        .filter((word) => /[\p{L}\p{N}]/u.test(word) && !FILLER.has(word.toLowerCase()))
        .slice(0, 8)
        .join(' '),
    )
    .filter((part) => part !== '')
    .slice(0, 5);
  return parts.length === 0 ? undefined : { kind: 'topic', text: parts.join(', '), parts };
}

const LEADING =
  /^(?:(?:an?|the|to|how to|about|some|more|my|me|in|of|on|for|and|basics of|bit of|bit about|skills? in|field of|area of|world of)\s+)+/i;
const TRAILING =
  /\s+(?:courses?|class(?:es)?|trainings?|tutorials?|skills?|well|better|quickly|fast|online|properly|again|soon|too|and|or|to|in|for)$/i;

function clean(text: string | undefined): string | undefined {
  let result = (text ?? '').replaceAll(/\s+/g, ' ').trim();
  for (let before = ''; before !== result;) {
    before = result;
    result = result.replace(LEADING, '').replace(TRAILING, '').trim();
  }
  return /[\p{L}\p{N}]/u.test(result) ? result : undefined;
}
