import { TomlError, parse, stringify } from 'smol-toml';
import type { JsonObject } from '../../shared/json.js';
import { HostConfigError } from './errors.js';
import { eolOf } from './jsonc-edit.js';
import { isSameMeaning } from './same-meaning.js';

/**
 * Reads TOML.
 *
 * @throws {HostConfigError} names line and column of the fault
 */
export function parseToml(text: string): Record<string, unknown> {
  try {
    return parse(text, { integersAsBigInt: 'asNeeded' });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const fault = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    throw new HostConfigError(`line ${error.line}, column ${error.column}: ${fault}`, {
      cause: error,
    });
  }
}

/** A document of its own, as text. */
export function printToml(document: JsonObject): string {
  return stringify(document).trim();
}

/**
 * Sets the table `[section.name]`, with its sub-tables, and leaves every other character alone.
 *
 * @throws {HostConfigError} when the text is not valid, or `name` is there in another form than a table of its own
 */
export function setTomlTable(
  text: string,
  section: string,
  name: string,
  table: JsonObject,
): string {
  const before = parseToml(text);
  const eol = eolOf(text);
  const block = stringify({ [section]: { [name]: table } })
    .trim()
    .replaceAll('\n', eol);
  const own = tablesOf(text).filter(({ path }) => path[0] === section && path[1] === name);
  const edited = own.length === 0 ? append(text, block, eol) : replaceTables(text, own, block);
  const servers = before[section];
  const expected = {
    ...before,
    [section]: { ...(typeof servers === 'object' ? servers : {}), [name]: table },
  };
  if (!isSame(edited, expected)) {
    throw new HostConfigError(
      `${section}.${name} is written in a form that cannot be replaced safely: make it a table [${section}.${name}], or choose another name`,
    );
  }
  return edited;
}

function isSame(edited: string, expected: Record<string, unknown>): boolean {
  try {
    return isSameMeaning(parseToml(edited), expected);
  } catch (error) {
    if (error instanceof HostConfigError) return false;
    throw error;
  }
}

function append(text: string, block: string, eol: string): string {
  if (text.trim() === '') return `${text}${block}${eol}`;
  const gap = /\n[ \t]*\r?\n$/.test(text) ? '' : text.endsWith('\n') ? eol : eol + eol;
  return `${text}${gap}${block}${eol}`;
}

interface Table {
  readonly path: readonly string[];
  readonly start: number;
  /** Behind the last key: comments before the next table are the next table's. */
  readonly end: number;
}

function replaceTables(text: string, own: readonly Table[], block: string): string {
  let result = '';
  let at = 0;
  for (const [index, { start, end }] of own.entries()) {
    result += text.slice(at, start) + (index === 0 ? block : '');
    at = index === 0 ? end : skipLineEnd(text, end);
  }
  return result + text.slice(at);
}

function skipLineEnd(text: string, at: number): number {
  return at + (/^[ \t]*(?:#[^\n]*)?(?:\r?\n)*/.exec(text.slice(at))?.[0].length ?? 0);
}

const BLANK = /(?:[ \t\r\n]|#[^\n]*)+/y;

/** Every `[table]` of a valid document, in order. */
function tablesOf(text: string): Table[] {
  const tables: Table[] = [];
  let open: { path: readonly string[]; start: number; end: number } | undefined;
  let at = 0;
  while (at < text.length) {
    BLANK.lastIndex = at;
    const blank = BLANK.exec(text)?.[0].length ?? 0;
    at += blank;
    if (blank > 0) continue;
    if (text[at] === '[') {
      if (open !== undefined) tables.push(open);
      const end = skipStatement(text, at);
      open = { path: headerPath(text.slice(at, end)), start: at, end };
      at = end;
      continue;
    }
    at = skipStatement(text, at);
    if (open !== undefined) open.end = at;
  }
  if (open !== undefined) tables.push(open);
  return tables;
}

/** The names of a header. An array of tables gets a name that no table has. */
function headerPath(header: string): string[] {
  if (header.startsWith('[[')) return ['[['];
  const path: string[] = [];
  let node: unknown = parse(header);
  while (typeof node === 'object' && node !== null) {
    const [entry] = Object.entries(node);
    if (entry === undefined) break;
    path.push(entry[0]);
    node = entry[1];
  }
  return path;
}

const STRINGS = /"""(?:[^\\]|\\[\s\S])*?"{3,5}|'''[\s\S]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y;

/** The end of a header or of a key with its value: the first line end, or comment, outside of strings and brackets. */
function skipStatement(text: string, from: number): number {
  let depth = 0;
  let at = from;
  let end = from;
  while (at < text.length) {
    const character = text[at] ?? '';
    STRINGS.lastIndex = at;
    const string = character === '"' || character === "'" ? STRINGS.exec(text)?.[0] : undefined;
    if (string !== undefined) {
      at += string.length;
      end = at;
      continue;
    }
    if (character === '#') {
      if (depth === 0) return end;
      const lineEnd = text.indexOf('\n', at);
      at = lineEnd === -1 ? text.length : lineEnd;
      continue;
    }
    if (character === '\n' && depth === 0) return end;
    if (character === '[' || character === '{') depth++;
    if (character === ']' || character === '}') depth--;
    at++;
    if (!/\s/.test(character)) end = at;
  }
  return end;
}
