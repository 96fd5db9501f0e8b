import { z } from 'zod';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { quote } from '../../shared/errors.js';
import { type Result, err, ok } from '../../shared/result.js';
import { PROFILE_NAMES } from './profiles/index.js';
import { type UpstreamProvider, isTenantName, resolveProvider } from './provider.js';

const MAX_PROVIDERS = 20;
const text = z.string().min(1).max(2000);
const url = text.refine(isUsableUrl, 'has to be an https URL, or http on this machine');

const rule = z
  .strictObject({
    domain: text
      .regex(/^[^@\s/]+\.[^@\s/]+$/, 'has to be a domain such as "example.com"')
      .optional(),
    group: text.optional(),
    claim: z
      .strictObject({ name: text, value: z.union([z.string(), z.number(), z.boolean()]) })
      .optional(),
    subject: text.optional(),
    everyone: z.literal(true).optional(),
    tenant: text
      .refine(isTenantName, 'has to be letters, digits, ".", "_" or "-", at most 64')
      .optional(),
    tenantClaim: text.optional(),
    scopes: z.array(text).max(100).optional(),
  })
  .refine(
    ({ domain, group, claim, subject, everyone }) =>
      everyone === true
        ? [domain, group, claim, subject].every((condition) => condition === undefined)
        : [domain, group, claim, subject].some((condition) => condition !== undefined),
    'needs a condition ("domain", "group", "claim" or "subject"), or "everyone": true alone',
  )
  .refine(
    ({ tenant, tenantClaim }) => tenant !== undefined || tenantClaim !== undefined,
    'needs "tenant" or "tenantClaim"',
  );

const provider = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'has to be lower case letters, digits and dashes'),
    profile: z.enum(PROFILE_NAMES),
    label: text.max(60).optional(),
    issuer: url.optional(),
    clientId: text,
    clientSecretEnv: text.optional(),
    clientSecretFile: text.optional(),
    clientAuthentication: z.enum(['client_secret_basic', 'client_secret_post']).optional(),
    scopes: z.array(text).max(50).optional(),
    parameters: z.record(text, z.string()).optional(),
    endpoints: z
      .strictObject({
        authorization: url,
        token: url,
        api: url.optional(),
        revocation: url.optional(),
      })
      .optional(),
    endSessionEndpoint: url.optional(),
    groupsClaim: text.optional(),
    keepTokens: z.boolean().optional(),
    logoutEnds: z.enum(['sessions', 'everything']).optional(),
    allow: z.array(rule).max(200).optional(),
    contact: text.max(200).optional(),
  })
  .refine(
    ({ clientSecretEnv, clientSecretFile }) =>
      clientSecretEnv === undefined || clientSecretFile === undefined,
    'has both "clientSecretEnv" and "clientSecretFile": give one',
  );

const document = z.strictObject({ providers: z.array(provider).min(1).max(MAX_PROVIDERS) });

/** Parameters of the request that are ours alone. */
const RESERVED = new Set([
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'scope',
  'resource',
  'request',
  'request_uri',
]);

/**
 * Checks a configuration of identity providers, and fetches their secrets.
 *
 * @param value - `{ "providers": [...] }`, as JSON has it
 * @param readSecret - the secret that a file or an environment variable holds; throws with a message when it cannot
 * @param knownScopes - scopes that rules may give
 * @returns the providers, or what is wrong: which field, and what would work
 */
export function parseProviders(
  value: unknown,
  readSecret: (from: { readonly env: string } | { readonly file: string }) => string,
  knownScopes: readonly string[],
): Result<readonly UpstreamProvider[], string> {
  const parsed = document.safeParse(value);
  if (!parsed.success) return err(describeIssue(parsed.error, value));
  const providers: UpstreamProvider[] = [];
  for (const [
    at,
    { clientSecretEnv, clientSecretFile, ...rest },
  ] of parsed.data.providers.entries()) {
    const place = `providers[${at}]`;
    if (providers.some(({ id }) => id === rest.id)) {
      return err(`${place}.id ${quote(rest.id)} is used twice: give each provider its own`);
    }
    const reserved = Object.keys(rest.parameters ?? {}).find((name) => RESERVED.has(name));
    if (reserved !== undefined) {
      return err(`${place}.parameters.${reserved} is set by this server: leave it out`);
    }
    const unknown = (rest.allow ?? [])
      .flatMap(({ scopes = [] }) => scopes)
      .find((scope) => !knownScopes.includes(scope));
    if (unknown !== undefined) {
      return err(
        `${place}.allow gives the scope ${quote(unknown)}: it has to be one of ${knownScopes.join(', ')}`,
      );
    }
    try {
      const from =
        clientSecretEnv !== undefined
          ? { env: clientSecretEnv }
          : clientSecretFile === undefined
            ? undefined
            : { file: clientSecretFile };
      const clientSecret = from === undefined ? undefined : readSecret(from);
      const made: UpstreamProvider = { ...rest, clientSecret };
      const { issuer } = resolveProvider(made);
      const twin = providers.find((other) => resolveProvider(other).issuer === issuer);
      if (twin !== undefined) {
        return err(
          `${place}.issuer ${quote(issuer)} is also that of ${quote(twin.id)}: their people would be the same ones`,
        );
      }
      providers.push(made);
    } catch (error) {
      return err(`${place}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return ok(providers);
}

function describeIssue(error: z.ZodError, value: unknown): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'it cannot be read';
  const path = issue.path.reduce<string>(
    (so, part) =>
      typeof part === 'number'
        ? `${so}[${part}]`
        : so === ''
          ? String(part)
          : `${so}.${String(part)}`,
    '',
  );
  if (issue.code === 'unrecognized_keys' && issue.keys.includes('clientSecret')) {
    return `${path}.clientSecret must not be in this file: put the secret into an environment variable and name it in "clientSecretEnv", or into a file and name that in "clientSecretFile"`;
  }
  const given = issue.path.reduce<unknown>(
    (at, part) => (at === undefined || at === null ? undefined : (at as never)[part]),
    value,
  );
  const shown = given === undefined || typeof given === 'object' ? '' : ` (${quote(given)})`;
  return `${path === '' ? 'the document' : path}${shown}: ${issue.message}`;
}

function isUsableUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const parsed = new URL(value);
  return (
    parsed.username === '' &&
    parsed.password === '' &&
    parsed.hash === '' &&
    (parsed.protocol === 'https:' || (parsed.protocol === 'http:' && isLoopbackUrl(parsed)))
  );
}
