import { z } from 'zod';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { quote } from '../../shared/errors.js';
import { type Result, err, ok } from '../../shared/result.js';
import type { EnterpriseIssuer, WorkloadIssuer } from '../grants/options.js';
import { GRANTS } from '../metadata.js';
import { type PreRegisteredClient, toClientMetadata } from './configured-client.js';

/** What a file about clients says: who they are, and whose word counts for them. */
export interface ClientConfiguration {
  readonly clients: readonly PreRegisteredClient[];
  readonly enterpriseIssuers: readonly EnterpriseIssuer[];
  readonly workloadIssuers: readonly WorkloadIssuer[];
}

const GRANT_NAMES = Object.values(GRANTS) as [string, ...string[]];
const text = z.string().min(1).max(2000);
const url = text.refine(isUsableUrl, 'has to be an https URL, or http on this machine');

const client = z
  .strictObject({
    clientId: text,
    clientName: text.max(200),
    redirectUris: z.array(text).max(20).optional(),
    clientSecretEnv: text.optional(),
    clientSecretFile: text.optional(),
    jwks: z
      .strictObject({
        keys: z
          .array(z.looseObject({ kty: text }))
          .min(1)
          .max(10),
      })
      .optional(),
    jwksUri: url.optional(),
    authMethod: z
      .enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'])
      .optional(),
    grantTypes: z.array(z.enum(GRANT_NAMES)).max(10).optional(),
    scopes: z.array(text).max(100).optional(),
    tenant: text.max(64).optional(),
    introspects: z.array(url).max(20).optional(),
    idTokenAlgorithm: z.enum(['ES256', 'RS256']).optional(),
  })
  .refine(
    ({ clientSecretEnv, clientSecretFile }) =>
      clientSecretEnv === undefined || clientSecretFile === undefined,
    'has both "clientSecretEnv" and "clientSecretFile": give one',
  );

const document = z.strictObject({
  clients: z.array(client).max(200).optional(),
  enterpriseIssuers: z
    .array(
      z.strictObject({
        issuer: url,
        jwksUri: url.optional(),
        clientIds: z.array(text).max(200).optional(),
        admit: z.strictObject({ tenant: text.max(64), scopes: z.array(text).max(100) }).optional(),
      }),
    )
    .max(20)
    .optional(),
  workloadIssuers: z
    .array(
      z.strictObject({
        issuer: url,
        jwksUri: url.optional(),
        workloads: z
          .array(z.strictObject({ subject: text, clientId: text }))
          .min(1)
          .max(200),
      }),
    )
    .max(20)
    .optional(),
});

/**
 * Checks a configuration of clients, and fetches their secrets.
 *
 * @param value - `{ "clients": [...], "enterpriseIssuers": [...], "workloadIssuers": [...] }`, as JSON has it
 * @param readSecret - the secret that a file or an environment variable holds; throws with a message when it cannot
 * @returns the clients, or what is wrong: which field, and what would work
 */
export function parseClients(
  value: unknown,
  readSecret: (from: { readonly env: string } | { readonly file: string }) => string,
): Result<ClientConfiguration, string> {
  const parsed = document.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.map(String).join('.') ?? '';
    return err(`${path === '' ? 'the document' : quote(path)}: ${issue?.message ?? 'is wrong'}`);
  }
  const clients: PreRegisteredClient[] = [];
  try {
    for (const { clientSecretEnv, clientSecretFile, ...given } of parsed.data.clients ?? []) {
      if (clients.some(({ clientId }) => clientId === given.clientId)) {
        return err(`client ${quote(given.clientId)} is there twice`);
      }
      const from =
        clientSecretEnv !== undefined
          ? { env: clientSecretEnv }
          : clientSecretFile === undefined
            ? undefined
            : { file: clientSecretFile };
      const whole = {
        ...given,
        ...(from === undefined ? {} : { clientSecret: readSecret(from) }),
      } as PreRegisteredClient;
      toClientMetadata(whole);
      clients.push(whole);
    }
  } catch (error) {
    return err((error as Error).message);
  }
  return ok({
    clients,
    enterpriseIssuers: (parsed.data.enterpriseIssuers ?? []).map(toEnterpriseIssuer),
    workloadIssuers: (parsed.data.workloadIssuers ?? []) as readonly WorkloadIssuer[],
  });
}

type ParsedEnterprise = NonNullable<z.infer<typeof document>['enterpriseIssuers']>[number];

function toEnterpriseIssuer({ admit, ...issuer }: ParsedEnterprise): EnterpriseIssuer {
  const rest = issuer as EnterpriseIssuer;
  if (admit === undefined) return rest;
  return {
    ...rest,
    admit: ({ name, sub }) => ({
      displayName: typeof name === 'string' && name.trim() !== '' ? name : String(sub),
      tenant: admit.tenant,
      scopes: admit.scopes,
    }),
  };
}

function isUsableUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol } = new URL(value);
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackUrl(value));
}
