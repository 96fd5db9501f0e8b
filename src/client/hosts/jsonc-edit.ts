import {
  type Node,
  type ParseError,
  createScanner,
  getNodeValue,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import type { JsonValue } from '../../shared/json.js';
import { HostConfigError } from './errors.js';
import { positionAt } from './positions.js';
import { isSameMeaning } from './same-meaning.js';

const COMMA = 5;
const LINE_COMMENT = 12;
const BLOCK_COMMENT = 13;
const BLANK = 15;
const END = 17;

/**
 * Reads JSON as hosts write it: with comments, and with commas after the last item.
 *
 * @returns the value; an empty object for a file without any
 * @throws {HostConfigError} names line and column of the first fault
 */
export function parseJsonc(text: string): unknown {
  const tree = readTree(withoutMark(text));
  return tree === undefined ? {} : getNodeValue(tree);
}

/**
 * Sets one value, and changes no other character than it has to: comments, order, indentation and line ends stay.
 *
 * @param path - property names from the root; objects on the way are made when missing
 * @throws {HostConfigError} when the text is not valid, or something on the way is not an object
 */
export function setJsoncValue(text: string, path: readonly string[], value: JsonValue): string {
  const body = withoutMark(text);
  const mark = text.slice(0, text.length - body.length);
  return mark + setInBody(body, path, value);
}

/** Without the byte order mark that some editors of Windows write. */
function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function setInBody(text: string, path: readonly string[], value: JsonValue): string {
  const tree = readTree(text);
  const style = styleOf(text);
  const edited =
    tree === undefined
      ? appendRoot(text, nest(path, value), style)
      : setInTree({ text, style }, tree, path, value);
  requireOnlyChange(tree === undefined ? {} : getNodeValue(tree), edited, path, value);
  return edited;
}

interface Style {
  readonly unit: string;
  readonly eol: string;
}

interface Source {
  readonly text: string;
  readonly style: Style;
}

function readTree(text: string): Node | undefined {
  const errors: ParseError[] = [];
  let tree: Node | undefined;
  try {
    tree = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true });
  } catch (error) {
    throw new HostConfigError('it is nested too deeply', { cause: error });
  }
  const [first] = errors;
  if (first !== undefined) {
    const { line, column } = positionAt(text, first.offset);
    const fault = printParseErrorCode(first.error)
      .replace(/([a-z])([A-Z])/g, '$1 $2')
      .toLowerCase();
    throw new HostConfigError(`line ${line}, column ${column}: ${fault}`);
  }
  return tree;
}

function setInTree(source: Source, root: Node, path: readonly string[], value: JsonValue): string {
  let node = root;
  for (const [index, name] of path.entries()) {
    if (node.type !== 'object') {
      const { line, column } = positionAt(source.text, node.offset);
      const what = index === 0 ? 'the file' : JSON.stringify(path[index - 1]);
      throw new HostConfigError(
        `line ${line}, column ${column}: ${what} is of type ${node.type}, expected an object`,
      );
    }
    const property = propertyOf(node, name);
    if (property === undefined) {
      return insertProperty(source, node, name, nest(path.slice(index + 1), value));
    }
    node = property;
  }
  const { text, style } = source;
  const written = print(value, lineIndent(text, node.offset), style);
  return text.slice(0, node.offset) + written + text.slice(node.offset + node.length);
}

/** The value of a property; of several with one name the last counts, as for every reader of JSON. */
function propertyOf(object: Node, name: string): Node | undefined {
  const found = object.children?.findLast((child) => child.children?.[0]?.value === name);
  return found?.children?.[1];
}

function insertProperty(source: Source, object: Node, name: string, value: JsonValue): string {
  const { text, style } = source;
  const { eol, unit } = style;
  const close = object.offset + object.length - 1;
  const outer = lineIndent(text, object.offset);
  const [first] = object.children ?? [];
  const isOnOwnLine = first !== undefined && /^[ \t]*$/.test(lineBefore(text, first.offset));
  const indent = isOnOwnLine ? lineBefore(text, first.offset) : outer + unit;
  const property = `${eol}${indent}${JSON.stringify(name)}: ${print(value, indent, style)}`;
  const last = object.children?.at(-1);
  const from = last === undefined ? object.offset + 1 : last.offset + last.length;
  const comma = last === undefined ? undefined : commaAfter(text, from, close);
  // A comment behind the last property belongs to that one.
  const at = endOfLineComments(text, comma === undefined ? from : comma + 1, close);
  const rest = text.slice(at, close);
  const isLastOnLine = !/[\r\n]/.test(rest);
  return [
    text.slice(0, from),
    last !== undefined && comma === undefined ? ',' : '',
    text.slice(from, at),
    property,
    comma === undefined ? '' : ',',
    isLastOnLine ? eol + outer : rest,
    text.slice(close),
  ].join('');
}

function commaAfter(text: string, from: number, close: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(from);
  const kind: number = scanner.scan();
  return kind === COMMA && scanner.getTokenOffset() < close ? scanner.getTokenOffset() : undefined;
}

/** The end of the comments that follow on the same line; `from` when there are none. */
function endOfLineComments(text: string, from: number, close: number): number {
  const scanner = createScanner(text, false);
  scanner.setPosition(from);
  let end = from;
  for (;;) {
    const kind: number = scanner.scan();
    const tokenEnd = scanner.getTokenOffset() + scanner.getTokenLength();
    if (kind === END || tokenEnd > close) return end;
    if (kind === LINE_COMMENT) return tokenEnd;
    if (kind === BLOCK_COMMENT && !/[\r\n]/.test(text.slice(end, tokenEnd))) end = tokenEnd;
    else if (kind !== BLANK) return end;
  }
}

function appendRoot(text: string, value: JsonValue, style: Style): string {
  const body = print(value, '', style) + style.eol;
  if (text.trim() === '') return body;
  return /[\r\n]$/.test(text) ? text + body : text + style.eol + body;
}

function nest(path: readonly string[], value: JsonValue): JsonValue {
  return path.reduceRight<JsonValue>((inner, name) => ({ [name]: inner }), value);
}

function print(value: JsonValue, indent: string, { unit, eol }: Style): string {
  return JSON.stringify(value, undefined, unit).replaceAll('\n', eol + indent);
}

function styleOf(text: string): Style {
  const unit = /^[ \t]+(?=")/m.exec(text)?.[0] ?? '  ';
  return { unit: unit.startsWith('\t') ? '\t' : unit.slice(0, 8), eol: eolOf(text) };
}

export function eolOf(text: string): string {
  return /\r\n/.test(text) ? '\r\n' : '\n';
}

function lineBefore(text: string, offset: number): string {
  const start = Math.max(text.lastIndexOf('\n', offset - 1), text.lastIndexOf('\r', offset - 1));
  return text.slice(start + 1, offset);
}

function lineIndent(text: string, offset: number): string {
  return /^[ \t]*/.exec(lineBefore(text, offset))?.[0] ?? '';
}

/** The last line of defence: what comes out means what went in, with the one value set. */
function requireOnlyChange(
  before: unknown,
  edited: string,
  path: readonly string[],
  value: JsonValue,
): void {
  const expected = structuredClone(before) as Record<string, unknown>;
  let at = expected;
  for (const name of path.slice(0, -1)) {
    if (!Object.hasOwn(at, name)) at[name] = {};
    at = at[name] as Record<string, unknown>;
  }
  at[path.at(-1) ?? ''] = value;
  if (!isSameMeaning(parseJsonc(edited), expected)) {
    throw new HostConfigError('it cannot be changed without changing something else in it');
  }
}
