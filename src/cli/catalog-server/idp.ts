import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { SignInMethod, SignInOptions, UpstreamProvider } from '../../authorization/index.js';
import { quote } from '../../shared/errors.js';
import { parseJson } from '../../shared/json.js';
import type { CliIo } from '../io.js';
import { ConfigurationError } from './parse-setting.js';
import { CATALOG_SCOPES } from './scopes.js';
import type { SignInConfig } from './sign-in-settings.js';

const MAX_BYTES = 1024 * 1024;

/**
 * The ways to sign in that the settings ask for, with the identity providers and their secrets.
 *
 * @throws {ConfigurationError} naming the file, the field and what would work
 */
export async function signInOptionsOf(
  { ways, idp }: SignInConfig,
  env: CliIo['env'],
): Promise<SignInOptions> {
  const methods: SignInMethod[] = [];
  if (ways.includes('idp') && idp !== undefined) {
    methods.push({ kind: 'identity-providers', providers: await loadProviders(idp, env) });
  }
  if (ways.includes('local')) methods.push({ kind: 'local-users' });
  if (ways.includes('demo')) methods.push({ kind: 'demo' });
  return { kind: 'any-of', methods };
}

async function loadProviders(idp: string, env: CliIo['env']): Promise<readonly UpstreamProvider[]> {
  const { parseProviders } = await import('../../authorization/index.js');
  const isInline = idp.trimStart().startsWith('{');
  const place = isInline ? 'CATALOG_IDP' : `--idp ${quote(idp)}`;
  const parsed = parseJson(isInline ? idp : readText(idp, place), { maxBytes: MAX_BYTES });
  if (!parsed.ok)
    throw new ConfigurationError(`${place} is no JSON that can be read: ${parsed.error}`);
  const folder = isInline ? process.cwd() : dirname(resolve(idp));
  const providers = parseProviders(
    parsed.value,
    (from) =>
      'env' in from ? readVariable(from.env, env) : readSecretFile(resolve(folder, from.file)),
    Object.keys(CATALOG_SCOPES),
  );
  if (!providers.ok) throw new ConfigurationError(`${place}: ${providers.error}`);
  return providers.value;
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

function readVariable(name: string, env: CliIo['env']): string {
  const value = env[name];
  if (value === undefined || value === '') {
    throw new Error(
      `"clientSecretEnv" names ${name}, which is not set: put the client secret there`,
    );
  }
  return value;
}

function readSecretFile(path: string): string {
  try {
    const secret = readFileSync(path, 'utf8').trim();
    if (secret !== '') return secret;
  } catch (error) {
    throw new Error(
      `"clientSecretFile" ${quote(path)} cannot be read (${(error as NodeJS.ErrnoException).code})`,
      { cause: error },
    );
  }
  throw new Error(`"clientSecretFile" ${quote(path)} is empty: put the client secret there`);
}
