/** Where a phrase was taken out of the sentence. No one types it, and every pattern ends at it. */
const GAP = ' ¦ ';

interface Match {
  readonly 0: string;
  readonly 1?: string;
  readonly 2?: string;
  readonly 3?: string;
  readonly 4?: string;
  /** What followed the match. */
  readonly after: string;
}

/** Takes recognised phrases out of a sentence, one after the other, so that no word is understood twice. */
export interface Scanner {
  /** What has not been taken yet. */
  readonly rest: string;
  peek(pattern: string): Match | undefined;
  take(pattern: string, gap?: string): Match | undefined;
  /** Takes a literal piece out. */
  remove(piece: string): void;
}

/** Longer requests are cut: the rules look at sentences, not at documents. */
const MAX_LENGTH = 2000;

export function scan(text: string): Scanner {
  let rest = text
    .slice(0, MAX_LENGTH)
    .replaceAll('¦', ' ')
    .replaceAll(/[‘’]/g, "'")
    .replaceAll(/\s+/g, ' ');
  const peek = (pattern: string): Match | undefined => {
    const match = new RegExp(pattern, 'iu').exec(rest);
    if (match === null) return undefined;
    return {
      0: match[0],
      ...(match[1] !== undefined && { 1: match[1] }),
      ...(match[2] !== undefined && { 2: match[2] }),
      ...(match[3] !== undefined && { 3: match[3] }),
      ...(match[4] !== undefined && { 4: match[4] }),
      after: rest.slice(match.index + match[0].length),
    };
  };
  return {
    get rest() {
      return rest;
    },
    peek,
    take(pattern, gap = GAP) {
      const match = peek(pattern);
      if (match !== undefined) {
        rest =
          rest.slice(0, rest.length - match.after.length - match[0].length) + gap + match.after;
      }
      return match;
    },
    remove(piece) {
      rest = rest.replace(piece, GAP);
    },
  };
}
