import type { SignInMethod, SignInOptions, UpstreamProvider } from '../../authorization/index.js';
import type { CliIo } from '../io.js';
import { readJsonSetting } from './json-setting.js';
import { ConfigurationError } from './parse-setting.js';
import { CATALOG_SCOPES } from './scopes.js';
import type { SignInConfig } from './sign-in-settings.js';

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

/** The ids of the identity providers whose tokens are kept. */
export function keptProvidersOf(signIn: SignInOptions): readonly string[] {
  const methods = signIn.kind === 'any-of' ? signIn.methods : [signIn];
  return methods
    .flatMap((method) => (method.kind === 'identity-providers' ? method.providers : []))
    .filter(({ keepTokens }) => keepTokens === true)
    .map(({ id }) => id);
}

async function loadProviders(idp: string, env: CliIo['env']): Promise<readonly UpstreamProvider[]> {
  const { parseProviders } = await import('../../authorization/index.js');
  const setting = readJsonSetting(idp, { flag: '--idp', variable: 'CATALOG_IDP' }, env);
  const providers = parseProviders(setting.value, setting.readSecret, Object.keys(CATALOG_SCOPES));
  if (!providers.ok) throw new ConfigurationError(`${setting.place}: ${providers.error}`);
  return providers.value;
}
