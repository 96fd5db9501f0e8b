import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import type { AuthorizationServer } from '../../authorization/index.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import {
  type CredentialSource,
  type InboundTokens,
  LOCAL_ISSUER,
  type StoredUpstreamTokens,
  type UpstreamDefinition,
  type Upstreams,
  assertSubject,
  createExchangedTokens,
  createInboundTokens,
  createUpstreams,
  err,
  storedSubject,
} from '../../server/index.js';
import { quote } from '../../shared/errors.js';
import type { CliIo } from '../io.js';
import type { ServerConfig } from './config.js';
import { type SecretReader, readJsonSetting } from './json-setting.js';
import { ConfigurationError } from './parse-setting.js';

const text = z.string().min(1).max(2000);
const url = text.refine(isUsableUrl, 'has to be an https URL, or http on this machine');
const secretFields = {
  clientSecretEnv: text.optional(),
  clientSecretFile: text.optional(),
};
const endpointFields = {
  tokenEndpoint: url,
  clientId: text,
  ...secretFields,
  scopes: z.array(text).max(100).optional(),
  resource: text.optional(),
  audience: text.optional(),
};
const credential = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('static'),
    secretEnv: text.optional(),
    secretFile: text.optional(),
  }),
  z.strictObject({ kind: z.literal('client-credentials'), ...endpointFields }),
  z.strictObject({
    kind: z.literal('token-exchange'),
    ...endpointFields,
    subject: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('provider'), provider: text }),
      z.strictObject({
        kind: z.literal('assertion'),
        issuer: text,
        audience: text,
        algorithm: z.enum(['ES256', 'RS256', 'PS256', 'EdDSA']),
        keyId: text.optional(),
        lifetimeSeconds: z.int().min(10).max(3600).optional(),
        privateKeyEnv: text.optional(),
        privateKeyFile: text.optional(),
      }),
    ]),
  }),
  z.strictObject({ kind: z.literal('stored'), provider: text }),
]);
const document = z.strictObject({
  authorizationServer: z.strictObject({ clientId: text, ...secretFields }).optional(),
  upstreams: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'has to be letters, digits, ".", "_", "-"'),
        origins: z.array(url).min(1).max(20),
        credential,
        header: z
          .strictObject({
            name: z
              .string()
              .regex(/^[A-Za-z0-9-]{1,64}$/, 'has to be the name of a header')
              .optional(),
            scheme: z
              .string()
              .regex(/^[A-Za-z0-9-]{0,32}$/, 'has to be one word')
              .optional(),
          })
          .optional(),
        maxBytes: z.int().min(1024).max(100_000_000).optional(),
        timeoutSeconds: z.int().min(1).max(600).optional(),
      }),
    )
    .min(1)
    .max(100),
});

type Document = z.infer<typeof document>;
type Credential = z.infer<typeof credential>;

export interface UpstreamsParts {
  readonly config: Pick<
    ServerConfig,
    'upstreams' | 'transport' | 'role' | 'issuer' | 'externalIssuers'
  >;
  readonly env: CliIo['env'];
  /** Our own authorization server, when it runs in this process. */
  readonly authorization?: Pick<AuthorizationServer, 'upstreamToken'> | undefined;
  /** Ids of the identity providers whose tokens it keeps. */
  readonly keptProviders?: readonly string[];
}

export interface OpenUpstreams {
  readonly upstreams: Upstreams;
  /** For the authenticator, where tokens that came in are exchanged at their issuer. */
  readonly inboundTokens: InboundTokens | undefined;
}

/**
 * The APIs that tools may call, as the settings have them, with the secrets that they name.
 *
 * @throws {ConfigurationError} naming the file, the field and what would work
 */
export function openUpstreams(setting: string, parts: UpstreamsParts): OpenUpstreams {
  const names = { flag: '--upstreams', variable: 'CATALOG_UPSTREAMS' };
  const { value, place, readSecret } = readJsonSetting(setting, names, parts.env);
  const fail = (message: string): never => {
    throw new ConfigurationError(`${place}: ${message} (docs/upstreams.md)`);
  };
  const parsed = document.safeParse(value);
  if (!parsed.success) return fail(describeIssue(parsed.error));
  const read = createReader(readSecret, fail);
  const kept = keptTokensOf(parsed.data, parts, read, fail);
  const definitions: Record<string, UpstreamDefinition> = {};
  for (const [at, upstream] of parsed.data.upstreams.entries()) {
    const { name, origins, header, maxBytes, timeoutSeconds } = upstream;
    const field = `upstreams[${at}]`;
    if (name in definitions) fail(`${field}.name ${quote(name)} is used twice: give each its own`);
    definitions[name] = {
      origins,
      credential: sourceOf(upstream.credential, {
        name,
        field: `${field}.credential`,
        tokensOf: kept.tokensOf,
        read,
        fail,
      }),
      ...(header !== undefined && { header: defined(header) }),
      ...(maxBytes !== undefined && { maxBytes }),
      ...(timeoutSeconds !== undefined && { timeoutMs: timeoutSeconds * 1000 }),
    };
  }
  try {
    return { upstreams: createUpstreams(definitions), inboundTokens: kept.inboundTokens };
  } catch (error) {
    if (error instanceof TypeError) return fail(error.message);
    throw error;
  }
}

type Fail = (message: string) => never;
/** The secret that `<field>Env` or `<field>File` of an object names. */
type Read = (owner: object, field: string, path: string) => string;

function createReader(readSecret: SecretReader, fail: Fail): Read {
  return (owner, field, path) => {
    const { [`${field}Env`]: env, [`${field}File`]: file } = owner as Record<string, string>;
    if ((env === undefined) === (file === undefined)) {
      const count = env === undefined ? 'neither' : 'both';
      fail(`${path} has ${count} of "${field}Env" and "${field}File": give one`);
    }
    try {
      return readSecret(env === undefined ? { file: file ?? '' } : { env }, field);
    } catch (error) {
      return fail(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
}

interface SourceParts {
  readonly name: string;
  readonly field: string;
  readonly tokensOf: KeptTokens['tokensOf'];
  readonly read: Read;
  readonly fail: Fail;
}

function sourceOf(given: Credential, parts: SourceParts): CredentialSource {
  const { name, field, tokensOf, read } = parts;
  switch (given.kind) {
    case 'static':
      return { kind: 'static', secret: read(given, 'secret', field) };
    case 'client-credentials':
      return { kind: 'client-credentials', ...endpointOf(given, field, read) };
    case 'token-exchange': {
      const { subject } = given;
      const endpoint = endpointOf(given, field, read);
      if (subject.kind === 'provider') {
        const tokens = tokensOf(subject.provider, `${field}.subject`);
        const subjectToken = storedSubject(name, subject.provider, tokens);
        return { kind: 'token-exchange', ...endpoint, subjectToken };
      }
      const { issuer, audience, algorithm, keyId, lifetimeSeconds } = subject;
      const key = privateKey(read(subject, 'privateKey', `${field}.subject`), field, parts.fail);
      const subjectToken = assertSubject(
        defined({ issuer, audience, algorithm, keyId, lifetimeSeconds, key }),
      );
      return { kind: 'token-exchange', ...endpoint, subjectToken };
    }
    case 'stored':
      return { kind: 'stored', provider: given.provider, tokens: tokensOf(given.provider, field) };
  }
}

type Endpoint = Extract<Credential, { kind: 'client-credentials' | 'token-exchange' }>;

function endpointOf(given: Endpoint, field: string, read: Read) {
  const { tokenEndpoint, clientId, scopes, resource, audience } = given;
  const clientSecret = read(given, 'clientSecret', field);
  return defined({ tokenEndpoint, clientId, clientSecret, scopes, resource, audience });
}

/** PKCS #8 PEM or a JWK, as the JWK that signs. */
function privateKey(key: string, field: string, fail: Fail) {
  try {
    const isJwk = key.trimStart().startsWith('{');
    const made = createPrivateKey(isJwk ? { key: JSON.parse(key), format: 'jwk' } : key);
    return made.export({ format: 'jwk' });
  } catch {
    // Without the cause: a parser may quote what it read.
    return fail(`${field}.subject: the private key cannot be read: give PKCS #8 PEM or a JWK`);
  }
}

interface KeptTokens {
  /** @throws {ConfigurationError} when none are to be had for that provider */
  readonly tokensOf: (provider: string, field: string) => StoredUpstreamTokens;
  readonly inboundTokens: InboundTokens | undefined;
}

/** Our own authorization server keeps the tokens of identity providers: in this process, or behind its token endpoint. */
function keptTokensOf(
  { authorizationServer }: Document,
  { config, authorization, keptProviders = [] }: UpstreamsParts,
  read: Read,
  fail: Fail,
): KeptTokens {
  if (authorization !== undefined) {
    if (authorizationServer !== undefined) {
      fail('authorizationServer is for --role=mcp: here it runs in the same process, leave it out');
    }
    const tokens: StoredUpstreamTokens = {
      async tokenFor({ issuer, subject }, provider) {
        if (issuer !== LOCAL_ISSUER) return err('none');
        return authorization.upstreamToken(subject, provider);
      },
    };
    return {
      inboundTokens: undefined,
      tokensOf(provider, field) {
        if (keptProviders.includes(provider)) return tokens;
        const known = keptProviders.length === 0 ? 'has none' : `has ${keptProviders.join(', ')}`;
        return fail(
          `${field}.provider ${quote(provider)} is no identity provider with "keepTokens": true: --idp ${known}`,
        );
      },
    };
  }
  if (config.transport === 'stdio' || config.externalIssuers.length > 0) {
    const where = config.transport === 'stdio' ? 'over stdio' : 'with --issuer or --issuers';
    const advice = `needs our own authorization server, and none of its tokens come in ${where}`;
    if (authorizationServer !== undefined) fail(`authorizationServer ${advice}: leave it out`);
    return { inboundTokens: undefined, tokensOf: (_, field) => fail(`${field} ${advice}`) };
  }
  if (authorizationServer === undefined) {
    const advice =
      'needs "authorizationServer" with "clientId" and "clientSecretEnv": this server as a client of the one that keeps the tokens';
    return { inboundTokens: undefined, tokensOf: (_, field) => fail(`${field} ${advice}`) };
  }
  const inboundTokens = createInboundTokens();
  const tokens = createExchangedTokens({
    issuer: config.issuer,
    identity: LOCAL_ISSUER,
    clientId: authorizationServer.clientId,
    clientSecret: read(authorizationServer, 'clientSecret', 'authorizationServer'),
    inboundTokens,
  });
  return { inboundTokens, tokensOf: () => tokens };
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the members that are undefined. */
function defined<T extends object>(given: T): Defined<T> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>;
}

function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'it has the wrong form';
  const path = issue.path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
  const inline =
    issue.code === 'unrecognized_keys'
      ? issue.keys.find((key) => ['secret', 'clientSecret', 'privateKey'].includes(key))
      : undefined;
  if (inline !== undefined) {
    return `${path}.${inline} must not be in this file: put it into an environment variable and name that in "${inline}Env", or into a file and name that in "${inline}File"`;
  }
  return `${path === '' ? 'the document' : path}: ${issue.message}`;
}

function isUsableUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, hash } = new URL(value);
  return (
    username === '' &&
    hash === '' &&
    (protocol === 'https:' || (protocol === 'http:' && isLoopbackUrl(value)))
  );
}
