/** One challenge of a `WWW-Authenticate` header. Parameter names are lower case. */
export interface Challenge {
  /** Lower case: `bearer`, `dpop`, `basic`. */
  readonly scheme: string;
  readonly params: Readonly<Record<string, string>>;
}

// RFC 9110 §11.2: what `Negotiate` and `Basic` carry. It has to be all there is up to the next comma.
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const MAX_HEADER_CHARS = 16_384;
const MAX_CHALLENGES = 32;

/**
 * Parses a `WWW-Authenticate` header value that may hold several challenges. Never throws: what cannot be read ends
 * the list. A parameter given twice keeps its first value.
 *
 * @param header - the value as received; over 16 KiB nothing is read
 * @see RFC 9110 §11.6.1
 */
export function parseChallenges(header: string | null | undefined): Challenge[] {
  if (header == null || header.length > MAX_HEADER_CHARS) return [];
  const reader = new Reader(header);
  const challenges: Challenge[] = [];
  while (challenges.length < MAX_CHALLENGES) {
    reader.skipSeparators();
    const scheme = reader.token();
    if (scheme === undefined) break;
    challenges.push({ scheme: scheme.toLowerCase(), params: readParams(reader) });
  }
  return challenges;
}

/** The first challenge of a scheme, compared without case. */
export function findChallenge(
  header: string | null | undefined,
  scheme: string,
): Challenge | undefined {
  return parseChallenges(header).find((challenge) => challenge.scheme === scheme.toLowerCase());
}

/**
 * Formats a challenge. Every value is quoted; what a quoted string cannot carry (control characters, non-ASCII) is
 * dropped, so that no value can end the header.
 *
 * @see RFC 6750 §3, RFC 9728 §5.1
 */
export function formatChallenge(
  scheme: string,
  params: Readonly<Record<string, string | undefined>>,
): string {
  const parts = Object.entries(params).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${escapeQuoted(value)}"`],
  );
  return parts.length === 0 ? scheme : `${scheme} ${parts.join(', ')}`;
}

function escapeQuoted(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&');
}

function readParams(reader: Reader): Record<string, string> {
  const params = Object.create(null) as Record<string, string>;
  if (reader.takeToken68()) return params;
  for (let isFirst = true; ; isFirst = false) {
    const start = reader.position;
    const hadComma = reader.skipSeparators();
    const name = reader.token();
    if (name !== undefined && reader.take('=')) {
      const value = reader.quoted() ?? reader.token();
      if (value === undefined) return params;
      params[name.toLowerCase()] ??= value;
      continue;
    }
    if (name !== undefined && isFirst && !hadComma) continue;
    // The scheme of the next challenge, or the end: the caller's to read.
    reader.position = start;
    return params;
  }
}

class Reader {
  position = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** @returns whether a comma was among them */
  skipSeparators(): boolean {
    let hadComma = false;
    for (; this.position < this.#text.length; this.position++) {
      const char = this.#text.charAt(this.position);
      if (char === ',') hadComma = true;
      else if (char !== ' ' && char !== '\t') break;
    }
    return hadComma;
  }

  token(): string | undefined {
    TOKEN.lastIndex = this.position;
    const match = TOKEN.exec(this.#text);
    if (match === null) return undefined;
    this.position += match[0].length;
    return match[0];
  }

  /** Takes `char` with optional white space around it. */
  take(char: string): boolean {
    const start = this.position;
    this.#skipSpace();
    if (this.#text.charAt(this.position) !== char) {
      this.position = start;
      return false;
    }
    this.position++;
    this.#skipSpace();
    return true;
  }

  quoted(): string | undefined {
    if (this.#text.charAt(this.position) !== '"') return undefined;
    let value = '';
    for (let at = this.position + 1; at < this.#text.length; at++) {
      const char = this.#text.charAt(at);
      if (char === '"') {
        this.position = at + 1;
        return value;
      }
      value += char === '\\' ? this.#text.charAt(++at) : char;
    }
    return undefined;
  }

  /** Takes the token68 that may follow a scheme in place of parameters. */
  takeToken68(): boolean {
    const start = this.position;
    this.#skipSpace();
    TOKEN68.lastIndex = this.position;
    const match = TOKEN68.exec(this.#text);
    this.position = match === null ? start : this.position + match[0].length;
    return match !== null;
  }

  #skipSpace(): void {
    while (/[ \t]/.test(this.#text.charAt(this.position))) this.position++;
  }
}
