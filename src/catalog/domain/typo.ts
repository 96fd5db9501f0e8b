/** The nearest of some words, with the number of single edits in between. */
export interface NearWord {
  readonly word: string;
  readonly edits: number;
}

/** Edits that a word of this length may be off: 1 up to four letters, else 2. */
function allowedEdits(length: number): number {
  return length <= 4 ? 1 : 2;
}

/**
 * Insertions, deletions, replacements and swaps of neighbours between two words.
 *
 * @param limit - stop counting beyond it; the answer is then `limit + 1`
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    let best = row;
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(cost);
      best = Math.min(best, cost);
    }
    // A swap can still gain one on the row before the last.
    if (best > limit + 1) return limit + 1;
    beforeLast = last;
    last = current;
  }
  return Math.min(last[b.length] ?? 0, limit + 1);
}

/**
 * The best correction of a word that the index does not know: fewest edits, then most courses, then byte order.
 *
 * @returns undefined when nothing is near enough
 */
export function correctWord(
  word: string,
  lexicon: Iterable<{ readonly word: string; readonly courses: number }>,
): string | undefined {
  const limit = allowedEdits(word.length);
  let best: { word: string; score: number } | undefined;
  for (const candidate of lexicon) {
    const edits = editDistance(word, candidate.word, limit);
    // A wrong first letter is a rare slip: together with a second one it is another word.
    if (edits > limit || (edits > 1 && candidate.word[0] !== word[0])) continue;
    const score = -4 * edits + Math.log(1 + candidate.courses);
    const isBetter =
      best === undefined ||
      score > best.score ||
      (score === best.score && candidate.word < best.word);
    if (isBetter) best = { word: candidate.word, score };
  }
  return best?.word;
}

/** Sorts texts by nearness to one, nearest first, ties in byte order; those further than `limit` edits are left out. */
export function nearest(text: string, candidates: readonly string[], limit: number): NearWord[] {
  return candidates
    .map((word) => ({ word, edits: editDistance(text, word, limit) }))
    .filter(({ edits }) => edits <= limit)
    .sort((a, b) => a.edits - b.edits || (a.word < b.word ? -1 : 1));
}
