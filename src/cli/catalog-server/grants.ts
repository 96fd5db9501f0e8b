import { type Command, InvalidArgumentError } from 'commander';
import type { GrantDirectory, StoredGrant } from '../../authorization/index.js';
import { systemClock } from '../../shared/clock.js';
import { quote } from '../../shared/errors.js';
import type { CliIo } from '../io.js';
import { loadMasterSecrets } from './master-secret.js';
import { type Operator, asOperator } from './operator.js';
import { ConfigurationError } from './parse-setting.js';
import { formatTable, formatTime } from './table.js';

const MAX_LISTED = 1000;
const HEADINGS = ['grant', 'person', 'client', 'since', 'used', 'until', 'scopes'];

interface FilterFlags {
  readonly user?: string;
  readonly client?: string;
}

/** Adds `grants list|show|revoke`. */
export function addGrantCommands(program: Command, io: CliIo): void {
  const grants = program
    .command('grants')
    .description('what people have allowed apps to do: one grant for each login');

  withFilter(grants.command('list'))
    .description('show live grants, the newest first')
    .option('--limit <number>', `at most ${MAX_LISTED}`, parseLimit, 100)
    .action((flags: FilterFlags & { readonly limit: number }, command: Command) =>
      withGrants(command, io, async ({ directory, print }) => {
        const list = await directory.list(filterOf(flags), flags.limit);
        print({ grants: list }, formatTable(HEADINGS, list.map(toRow)));
      }),
    );

  grants
    .command('show <grant>')
    .description('show one grant with its resources and tokens')
    .action((id: string, _flags: unknown, command: Command) =>
      withGrants(command, io, async ({ directory, print }) => {
        const grant = await directory.find(id);
        if (grant === undefined) throw unknownGrant(id);
        print(grant, describe(grant));
      }),
    );

  withFilter(grants.command('revoke [grant]'))
    .description('end a grant, or all of a person, of a client or of both; others go on')
    .action((id: string | undefined, flags: FilterFlags, command: Command) =>
      withGrants(command, io, async ({ directory, print, record }) => {
        const filter = filterOf(flags);
        const hasFilter = flags.user !== undefined || flags.client !== undefined;
        if ((id === undefined) !== hasFilter) {
          throw new ConfigurationError(
            'grants revoke needs either the id of a grant ("catalog-server grants list" shows them), or --user, --client or both',
          );
        }
        const ended = await directory.revoke(id === undefined ? filter : { id });
        if (id !== undefined && ended.length === 0) throw unknownGrant(id);
        await record({
          operation: 'grants/revoke',
          target: id ?? flags.user,
          clientId: flags.client,
          reason: `${ended.length} ended`,
        });
        const what = ended.length === 1 ? '1 grant is' : `${ended.length} grants are`;
        print({ revoked: ended }, `${what} ended, with all tokens, sessions and streams.\n`);
      }),
    );
}

function withFilter(command: Command): Command {
  return command
    .option('--user <id>', 'only those of this person')
    .option('--client <client-id>', 'only those of this client');
}

function filterOf({ user, client }: FilterFlags) {
  return { userId: user, clientId: client };
}

async function withGrants(
  command: Command,
  io: CliIo,
  work: (opened: Operator & { readonly directory: GrantDirectory }) => Promise<void>,
): Promise<void> {
  const { createGrantDirectory } = await import('../../authorization/index.js');
  await asOperator(command, io, async (operator) => {
    const { artifacts, consents } = operator.storage.authorization;
    const masterSecret = loadMasterSecrets(operator.config);
    const directory = createGrantDirectory({
      artifacts,
      consents,
      masterSecret,
      clock: systemClock,
    });
    await work({ ...operator, directory });
  });
}

function toRow(grant: StoredGrant): readonly string[] {
  const { id, userId, clientId, createdAt, lastUsedAt, expiresAt, resources } = grant;
  const scopes = [...new Set(resources.flatMap((each) => each.scopes))].join(' ');
  const times = [createdAt, lastUsedAt, expiresAt].map(formatTime);
  return [id, userId ?? '-', clientId ?? '-', ...times, scopes];
}

function describe(grant: StoredGrant): string {
  const { refreshTokens, accessTokens, resources } = grant;
  const given = resources.map(({ resource, scopes }) => `  ${resource}: ${scopes.join(' ')}\n`);
  return `${formatTable(HEADINGS.slice(0, -1), [toRow(grant).slice(0, -1)])}${given.join('')}  good tokens: ${refreshTokens} refresh, ${accessTokens} access\n`;
}

function parseLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LISTED) return limit;
  throw new InvalidArgumentError(`Give a whole number from 1 to ${MAX_LISTED}.`);
}

function unknownGrant(id: string): ConfigurationError {
  return new ConfigurationError(
    `there is no grant ${quote(id)}: "catalog-server grants list" shows them`,
  );
}
