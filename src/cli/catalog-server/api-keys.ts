import { type Command, InvalidArgumentError } from 'commander';
import type { AuthorizationUser } from '../../authorization/ports.js';
import { createApiKey } from '../../server/core/api-key.js';
import { LOCAL_ISSUER } from '../../server/core/principal.js';
import type { ApiKeyRecord } from '../../server/core/ports.js';
import { nowSeconds, systemClock } from '../../shared/clock.js';
import { quote } from '../../shared/errors.js';
import type { CliIo } from '../io.js';
import { ConfigurationError, type RawSettings, resolveConfig } from './config.js';
import { openStorage } from './open-storage.js';
import { defaultPerson, seedSample } from './sample.js';
import { serverLogger } from './server-logger.js';
import { CATALOG_SCOPES } from './scopes.js';

const SECONDS = { m: 60, h: 3600, d: 86_400 } as const;
const MAX_LISTED_USERS = 20;

interface CreateOptions {
  readonly learner?: string;
  readonly scope?: readonly string[];
  readonly expires: number;
  readonly name: string;
}

/** Adds `api-keys create|list|revoke`. */
export function addApiKeyCommands(program: Command, io: CliIo): void {
  const keys = program.command('api-keys').description('create, list and revoke API keys');

  keys
    .command('create')
    .description('make a key and show it, once')
    .option('--learner <id>', 'the person the key acts as; default: the demo learner')
    .option('--scope <scope...>', 'what the key may do; default: everything the person may')
    .option(
      '--expires <duration>',
      'lifetime such as 30m, 12h or 90d',
      parseDuration,
      90 * SECONDS.d,
    )
    .option('--name <text>', 'what it is for', 'unnamed')
    .action(async (options: CreateOptions, command: Command) => {
      const opened = await open(command, io);
      try {
        const { key, record } = await createApiKey(
          opened.keys,
          {
            ...(await ownerOf(options, opened.users)),
            name: options.name,
            ttlSeconds: options.expires,
          },
          systemClock,
        );
        const human =
          `${key}\n\nIt acts as ${record.subject} (${record.scopes.join(' ')}) until ${until(record)}.\n` +
          'It is shown this once. Give it to a client as CATALOG_API_KEY, or in the header X-API-Key.\n';
        print(opened, io, { key, ...record }, human);
      } finally {
        await opened.close();
      }
    });

  keys
    .command('list')
    .description('show every key, without its secret')
    .action(async (_options: unknown, command: Command) => {
      const opened = await open(command, io);
      try {
        const records = await opened.keys.list();
        print(
          opened,
          io,
          { keys: records },
          records.map((record) => `${describe(record)}\n`).join(''),
        );
      } finally {
        await opened.close();
      }
    });

  keys
    .command('revoke <id>')
    .description('end a key at once')
    .action(async (id: string, _options: unknown, command: Command) => {
      const opened = await open(command, io);
      try {
        if (!(await opened.keys.revoke(id, nowSeconds(systemClock)))) {
          throw new ConfigurationError(
            `no live key has the id ${quote(id)}: "catalog-server api-keys list" shows them`,
          );
        }
        print(opened, io, { id, isRevoked: true }, `${id} is revoked.\n`);
      } finally {
        await opened.close();
      }
    });
}

async function open(command: Command, io: CliIo) {
  const settings: RawSettings = command.optsWithGlobals();
  const config = resolveConfig(settings, io.env);
  const storage = await openStorage(config, serverLogger(config, io));
  await seedSample(storage, config);
  return {
    isJson: config.isJson,
    keys: storage.apiKeys,
    users: storage.authorization.users,
    close: () => storage.close(),
  };
}

type Opened = Awaited<ReturnType<typeof open>>;

async function ownerOf(
  options: CreateOptions,
  users: Opened['users'],
): Promise<Pick<ApiKeyRecord, 'issuer' | 'subject' | 'tenant' | 'scopes'>> {
  const known = await users.list(MAX_LISTED_USERS);
  const user =
    options.learner === undefined ? await defaultPerson(users) : await users.find(options.learner);
  if (user === undefined) {
    const ids = known.map((candidate) => candidate.id).join(', ');
    throw new ConfigurationError(
      `--learner ${quote(options.learner)} is not known: there are ${ids === '' ? 'no people yet' : ids}`,
    );
  }
  return {
    issuer: LOCAL_ISSUER,
    subject: user.id,
    tenant: user.tenant,
    scopes: checkedScopes(options.scope, user),
  };
}

function checkedScopes(
  asked: readonly string[] | undefined,
  user: AuthorizationUser,
): readonly string[] {
  if (asked === undefined) return user.scopes;
  const wrong = asked.find((scope) => !user.scopes.includes(scope));
  if (wrong === undefined) return asked;
  const known = Object.keys(CATALOG_SCOPES).filter((scope) => user.scopes.includes(scope));
  throw new ConfigurationError(
    `--scope ${quote(wrong)} is not one that ${user.id} may use: ${known.join(', ')}`,
  );
}

function parseDuration(text: string): number {
  const match = /^([1-9]\d{0,5})([mhd])$/.exec(text);
  const unit = match?.[2] as keyof typeof SECONDS | undefined;
  if (match === null || unit === undefined) {
    throw new InvalidArgumentError('Give a number and m, h or d, such as 12h.');
  }
  return Number(match[1]) * SECONDS[unit];
}

function print(opened: Opened, io: CliIo, data: unknown, human: string): void {
  io.stdout.write(opened.isJson ? `${JSON.stringify(data)}\n` : human);
}

function describe(record: ApiKeyRecord): string {
  const state = record.revokedAt === undefined ? `until ${until(record)}` : 'revoked';
  return `${record.id}  ${record.subject}  ${state}  ${record.scopes.join(' ')}  ${record.name}`;
}

function until(record: ApiKeyRecord): string {
  if (record.expiresAt === undefined) return 'revoked';
  return new Date(record.expiresAt * 1000).toISOString();
}
