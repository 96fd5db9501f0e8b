const CONTEXT = 3;

/**
 * The change from one text to another as lines with ` `, `-` and `+`: one block, from the first difference to the last.
 *
 * @returns empty when they are equal
 */
export function diffLines(before: string, after: string): string {
  if (before === after) return '';
  const [a, b] = [linesOf(before), linesOf(after)];
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  while (head < shorter && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < shorter - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const marked = (mark: string, lines: readonly string[]): string[] =>
    lines.map((line) => mark + line);
  return [
    ...marked(' ', a.slice(Math.max(0, head - CONTEXT), head)),
    ...marked('-', a.slice(head, a.length - tail)),
    ...marked('+', b.slice(head, b.length - tail)),
    ...marked(' ', a.slice(a.length - tail, a.length - tail + CONTEXT)),
  ].join('\n');
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
