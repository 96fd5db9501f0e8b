/** The English words that the rule-based reading of a request rests on. */

const NUMBER_WORDS: Readonly<Record<string, number>> = {
  a: 1,
  an: 1,
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  fifteen: 15,
  eighteen: 18,
  twenty: 20,
  thirty: 30,
  forty: 40,
  fifty: 50,
  sixty: 60,
};

/** A regular expression source for one quantity: digits, a number word, "half an", "a couple of", "a few". */
export const NUMBER: string = `(?:\\d{1,4}(?:[.,]\\d{1,2})?|half an?|an? couple(?: of)?|an? few|${Object.keys(
  NUMBER_WORDS,
)
  .sort((a, b) => b.length - a.length)
  .join('|')})`;

/** The value of what {@link NUMBER} matched. */
export function readNumber(text: string): number {
  const word = text.toLowerCase().trim();
  if (word.startsWith('half')) return 0.5;
  if (word.includes('couple')) return 2;
  if (word.includes('few')) return 3;
  return NUMBER_WORDS[word] ?? Number(word.replace(',', '.'));
}

/** Languages of instruction by their English name. */
export const LANGUAGES: Readonly<Record<string, string>> = {
  arabic: 'ar',
  chinese: 'zh',
  mandarin: 'zh',
  czech: 'cs',
  danish: 'da',
  dutch: 'nl',
  english: 'en',
  finnish: 'fi',
  french: 'fr',
  german: 'de',
  greek: 'el',
  hebrew: 'he',
  hindi: 'hi',
  hungarian: 'hu',
  indonesian: 'id',
  italian: 'it',
  japanese: 'ja',
  korean: 'ko',
  norwegian: 'no',
  polish: 'pl',
  portuguese: 'pt',
  romanian: 'ro',
  russian: 'ru',
  spanish: 'es',
  swedish: 'sv',
  turkish: 'tr',
  ukrainian: 'uk',
  vietnamese: 'vi',
};

/** Currency signs and words, as people write them next to an amount. */
export const CURRENCIES: Readonly<Record<string, string>> = {
  $: 'USD',
  usd: 'USD',
  dollars: 'USD',
  dollar: 'USD',
  bucks: 'USD',
  '€': 'EUR',
  eur: 'EUR',
  euros: 'EUR',
  euro: 'EUR',
  '£': 'GBP',
  gbp: 'GBP',
  pounds: 'GBP',
  pound: 'GBP',
  chf: 'CHF',
  francs: 'CHF',
  '¥': 'JPY',
  yen: 'JPY',
  '₹': 'INR',
  inr: 'INR',
  rupees: 'INR',
};

/** Words that carry no subject: what remains of a sentence without them is what it is about. */
export const FILLER: ReadonlySet<string> = new Set(
  `a about advice after all also am an and another any anything are as at be because been before best better book but by can
  career careers class classes could course courses current currently do does effort enrol enroll find first for from get give
  go going good had has have hello help her hey hi him his hope how i i'd i'm i've id if im in into is it its ive job just know
  learn learning like list looking maybe me month months more most my need new next nice not of on once online or our
  out over perhaps please possible program programme really recommend recommendation recommendations right role search see
  should show skill skills so some something start starting study studying suggest suggestion suggestions suitable take tell thank
  thanks time that the their them then there these they thing things this those to too topic topics training tutorial tutorials
  understand up us use useful want wanted wants was we week weeks well were what when where which while who why will with would year
  years you your work works working free improve level`
    .split(/\s+/)
    .filter((word) => word !== ''),
);
