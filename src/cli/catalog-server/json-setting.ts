import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { quote } from '../../shared/errors.js';
import { type JsonValue, parseJson } from '../../shared/json.js';
import type { CliIo } from '../io.js';
import { ConfigurationError } from './parse-setting.js';

const MAX_BYTES = 1024 * 1024;

/**
 * Reads a secret that a document names, from an environment variable or a file beside the document.
 *
 * @param field - what the document calls the secret. Default `clientSecret`
 */
export type SecretReader = (
  from: { readonly env: string } | { readonly file: string },
  field?: string,
) => string;

/** A document that a setting names. */
export interface JsonSetting {
  readonly value: JsonValue;
  /** How to call it in messages. */
  readonly place: string;
  readonly readSecret: SecretReader;
}

/**
 * The JSON behind a setting that is the path of a file, or the JSON itself when it begins with a brace.
 *
 * @throws {ConfigurationError} naming the file and what would work
 */
export function readJsonSetting(
  setting: string,
  names: { readonly flag: string; readonly variable: string },
  env: CliIo['env'],
): JsonSetting {
  const isInline = setting.trimStart().startsWith('{');
  const place = isInline ? names.variable : `${names.flag} ${quote(setting)}`;
  const parsed = parseJson(isInline ? setting : readText(setting, place), { maxBytes: MAX_BYTES });
  if (!parsed.ok) {
    throw new ConfigurationError(`${place} is no JSON that can be read: ${parsed.error}`);
  }
  const folder = isInline ? process.cwd() : dirname(resolve(setting));
  return {
    value: parsed.value,
    place,
    readSecret: (from, field = 'clientSecret') =>
      'env' in from
        ? readVariable(from.env, field, env)
        : readSecretFile(resolve(folder, from.file), field),
  };
}

function readText(path: string, place: string): string {
  try {
    if (statSync(path).size > MAX_BYTES) {
      throw new ConfigurationError(`${place} is larger than ${MAX_BYTES} bytes`);
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(`${place} cannot be read (${code}): give the path of a JSON file`);
  }
}

function readVariable(name: string, field: string, env: CliIo['env']): string {
  const value = env[name];
  if (value === undefined || value === '') {
    throw new Error(`"${field}Env" names ${name}, which is not set: put the ${said(field)} there`);
  }
  return value;
}

function readSecretFile(path: string, field: string): string {
  try {
    const secret = readFileSync(path, 'utf8').trim();
    if (secret !== '') return secret;
  } catch (error) {
    throw new Error(
      `"${field}File" ${quote(path)} cannot be read (${(error as NodeJS.ErrnoException).code})`,
      { cause: error },
    );
  }
  throw new Error(`"${field}File" ${quote(path)} is empty: put the ${said(field)} there`);
}

/** `clientSecret` in words. */
function said(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
