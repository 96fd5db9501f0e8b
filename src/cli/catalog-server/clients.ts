import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type {
  ClientDirectory,
  PreRegisteredClient,
  StoredClient,
} from '../../authorization/index.js';
import { systemClock } from '../../shared/clock.js';
import { quote } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import type { CliIo } from '../io.js';
import { loadMasterSecrets } from './master-secret.js';
import { type Operator, asOperator } from './operator.js';
import { ConfigurationError } from './parse-setting.js';
import { CATALOG_SCOPES } from './scopes.js';

const MAX_LISTED = 10_000;

/** Grants by the names that a person types. */
const GRANTS: Readonly<Record<string, string>> = {
  code: 'authorization_code',
  refresh: 'refresh_token',
  device: 'urn:ietf:params:oauth:grant-type:device_code',
  machine: 'client_credentials',
  exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  assertion: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
};

interface AddOptions {
  readonly id?: string;
  readonly redirectUri?: readonly string[];
  readonly grant?: readonly string[];
  readonly scope?: readonly string[];
  readonly tenant?: string;
  readonly secret?: boolean;
  readonly jwks?: string;
  readonly jwksUri?: string;
  readonly introspects?: readonly string[];
}

/** Adds `clients add|list|show|revoke`. */
export function addClientCommands(program: Command, io: CliIo): void {
  const clients = program
    .command('clients')
    .description('apps and machines that use this server: known beforehand, or registered');

  clients
    .command('add <name>')
    .description('make a client known; its secret, if it has one, is shown once')
    .option('--id <client-id>', 'default: made up')
    .option('--redirect-uri <uri...>', 'where a person is sent back to')
    .option(
      '--grant <name...>',
      `${Object.keys(GRANTS).join(', ')}; default: code and refresh with a redirect URI, else machine`,
    )
    .option('--scope <scope...>', 'the most it may ever get; default: everything')
    .option('--tenant <tenant>', 'which tenant it acts in for itself; needed for machine')
    .option('--secret', 'make it prove itself by a secret; default for machines without keys')
    .option('--jwks <file>', 'make it prove itself by a signature (private_key_jwt): public keys')
    .option('--jwks-uri <url>', 'the same, with the keys at a URL')
    .option('--introspects <resource...>', 'resources whose tokens it may introspect and exchange')
    .action(async (name: string, options: AddOptions, command: Command) => {
      const client = describeClient(name, options);
      await withClients(command, io, async (opened) => {
        await addClient(opened, client);
        await audit(opened, 'add', client.clientId);
        opened.print(addedJson(client), addedText(client));
      });
    });

  clients
    .command('list')
    .description('show clients that are stored; those of --clients and of documents are not')
    .option('--registered', 'only those that registered themselves')
    .option('--operator', 'only those that were added here')
    .action(async (options: { registered?: boolean; operator?: boolean }, command: Command) => {
      const source =
        options.registered === options.operator
          ? undefined
          : options.registered === true
            ? ('registered' as const)
            : ('operator' as const);
      await withClients(command, io, async (opened) => {
        const list = await opened.directory.list({
          ...(source === undefined ? {} : { source }),
          limit: MAX_LISTED,
        });
        opened.print({ clients: list }, list.map((each) => `${describe(each)}\n`).join(''));
      });
    });

  clients
    .command('show <client-id>')
    .description('show one client, without its secret')
    .action(async (clientId: string, _options: unknown, command: Command) => {
      await withClients(command, io, async (opened) => {
        const found = await opened.directory.find(clientId);
        if (found === undefined) throw unknownClient(clientId);
        opened.print(found, `${describe(found)}\n${JSON.stringify(found.metadata, null, 2)}\n`);
      });
    });

  clients
    .command('revoke <client-id>')
    .description('delete a client and end all that it holds: grants, tokens, sessions')
    .action(async (clientId: string, _options: unknown, command: Command) => {
      await withClients(command, io, async (opened) => {
        const wasThere = await opened.directory.revoke(clientId);
        if (!wasThere && !URL.canParse(clientId)) throw unknownClient(clientId);
        await audit(opened, 'revoke', clientId);
        opened.print(
          { clientId, isRevoked: true },
          `${clientId} is revoked: nothing that it held is good any more.\n`,
        );
      });
    });
}

interface Opened extends Operator {
  readonly directory: ClientDirectory;
}

function withClients(
  command: Command,
  io: CliIo,
  work: (opened: Opened) => Promise<void>,
): Promise<void> {
  return asOperator(command, io, async (operator) => {
    const { createClientDirectory } = await import('../../authorization/index.js');
    const { clients, artifacts } = operator.storage.authorization;
    const directory = createClientDirectory({
      clients,
      artifacts,
      masterSecret: loadMasterSecrets(operator.config),
      clock: systemClock,
    });
    await work({ ...operator, directory });
  });
}

function describeClient(name: string, options: AddOptions): PreRegisteredClient {
  const { redirectUri = [], scope, tenant, introspects } = options;
  const named = options.grant ?? (redirectUri.length > 0 ? ['code', 'refresh'] : ['machine']);
  const grantTypes = named.map((grant) => {
    const type = GRANTS[grant];
    if (type !== undefined) return type;
    throw new ConfigurationError(
      `--grant ${quote(grant)} is not one of ${Object.keys(GRANTS).join(', ')}`,
    );
  });
  const known = Object.keys(CATALOG_SCOPES);
  const wrong = scope?.find((each) => !known.includes(each));
  if (wrong !== undefined) {
    throw new ConfigurationError(`--scope ${quote(wrong)} is not one of ${known.join(', ')}`);
  }
  const hasKeys = options.jwks !== undefined || options.jwksUri !== undefined;
  const needsProof =
    options.secret === true ||
    introspects !== undefined ||
    named.some((grant) => ['machine', 'exchange', 'assertion'].includes(grant));
  return {
    clientId: options.id ?? `client-${randomId(12)}`,
    clientName: name,
    redirectUris: redirectUri,
    grantTypes,
    ...(scope === undefined ? {} : { scopes: scope }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(introspects === undefined ? {} : { introspects }),
    ...(options.jwks === undefined ? {} : { jwks: readKeys(options.jwks) }),
    ...(options.jwksUri === undefined ? {} : { jwksUri: options.jwksUri }),
    ...(needsProof && !hasKeys ? { clientSecret: randomBytes(32).toString('base64url') } : {}),
  };
}

function readKeys(path: string): NonNullable<PreRegisteredClient['jwks']> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(`--jwks ${quote(path)} cannot be read (${code})`);
  }
  const parsed = parseJson(text, { maxBytes: 256 * 1024 });
  const keys = parsed.ok && isJsonObject(parsed.value) ? parsed.value['keys'] : undefined;
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isJsonObject)) {
    throw new ConfigurationError(
      `--jwks ${quote(path)} has to be a JWK Set: {"keys": [...]} with at least one public key`,
    );
  }
  if (keys.some((key) => 'd' in key || 'k' in key)) {
    throw new ConfigurationError(
      `--jwks ${quote(path)} holds a private key, which stays with the client: give the public part`,
    );
  }
  return { keys };
}

async function addClient(
  { directory, storage }: Opened,
  client: PreRegisteredClient,
): Promise<void> {
  // The token of a machine names it where that of a person names the person.
  if ((await storage.authorization.users.find(client.clientId)) !== undefined) {
    throw new ConfigurationError(
      `--id ${quote(client.clientId)} is the id of a person: choose another one`,
    );
  }
  let isAdded: boolean;
  try {
    isAdded = await directory.add(client);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ConfigurationError(error.message);
  }
  if (isAdded) return;
  throw new ConfigurationError(
    `--id ${quote(client.clientId)} is taken: "catalog-server clients revoke" frees it`,
  );
}

function addedJson(client: PreRegisteredClient): Record<string, unknown> {
  const { clientId, clientName, clientSecret, grantTypes, redirectUris, scopes, tenant } = client;
  return { clientId, clientName, clientSecret, grantTypes, redirectUris, scopes, tenant };
}

function addedText({ clientId, clientName, clientSecret }: PreRegisteredClient): string {
  const secret =
    clientSecret === undefined
      ? ''
      : `${clientSecret}\n\nThat is its secret, shown this once: give it to the client now.\n`;
  return `${secret}${clientName} is known as ${clientId}.\n`;
}

function describe(client: StoredClient): string {
  const used = client.lastUsedAt === undefined ? 'never used' : `used ${day(client.lastUsedAt)}`;
  const end = client.expiresAt === undefined ? 'for good' : `until ${day(client.expiresAt)}`;
  return `${client.clientId}  ${client.clientName ?? '(no name)'}  ${client.source}  ${used}  ${end}`;
}

function day(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

function audit({ record }: Opened, what: string, clientId: string): Promise<void> {
  return record({ operation: `clients/${what}`, target: clientId, clientId });
}

function unknownClient(clientId: string): ConfigurationError {
  return new ConfigurationError(
    `no stored client has the id ${quote(clientId)}: "catalog-server clients list" shows them`,
  );
}
