import type { Command } from 'commander';
import type { AuthorizationUser } from '../../authorization/ports.js';
import { nowSeconds, systemClock } from '../../shared/clock.js';
import { quote } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import type { CliIo } from '../io.js';
import { readPassword } from '../read-password.js';
import { type Operator, asOperator } from './operator.js';
import { ConfigurationError } from './parse-setting.js';
import { seedSample } from './sample.js';
import { CATALOG_SCOPES } from './scopes.js';

const MAX_LISTED = 10_000;
const TENANT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

interface AddOptions {
  readonly displayName?: string;
  readonly tenant: string;
  readonly scope?: readonly string[];
}

/** Adds `users add|list|disable|enable|set-password|remove`. */
export function addUserCommands(program: Command, io: CliIo): void {
  const users = program
    .command('users')
    .description('people who may sign in: with a password here, or through an identity provider');

  users
    .command('add <user-name>')
    .description(
      'add a person; the password comes from a prompt or the first line of standard input',
    )
    .option('--display-name <text>', 'on pages; default: the user name')
    .option('--tenant <tenant>', 'whose catalog and learners they belong to', 'default')
    .option('--scope <scope...>', 'what they may allow apps to do; default: everything')
    .action(async (name: string, options: AddOptions, command: Command) => {
      await withStorage(command, io, async (opened) => {
        const user = await addUser(name, options, opened, io);
        await audit(opened, 'add', user);
        const human = `${user.userName} may sign in: tenant ${user.tenant}, ${user.scopes.join(' ')}.\n`;
        opened.print(user, human);
      });
    });

  users
    .command('list')
    .description('show everybody who may sign in')
    .action(async (_options: unknown, command: Command) => {
      await withStorage(command, io, async (opened) => {
        const list = await listUsers(opened);
        opened.print({ users: list }, list.map((user) => `${describe(user)}\n`).join(''));
      });
    });

  users
    .command('disable <user>')
    .description('end all that a person has open here at once, and let them in no more')
    .action((name: string, _options: unknown, command: Command) =>
      withStorage(command, io, (opened) => setDisabled(opened, name, true)),
    );

  users
    .command('enable <user>')
    .description('let a disabled person sign in again')
    .action((name: string, _options: unknown, command: Command) =>
      withStorage(command, io, (opened) => setDisabled(opened, name, false)),
    );

  users
    .command('set-password <user-name>')
    .description('give a person another password, and end their browser sessions')
    .action(async (name: string, _options: unknown, command: Command) => {
      await withStorage(command, io, async (opened) => {
        const { hashPassword } = await import('../../authorization/people/password.js');
        const { passwords, users: people } = opened.storage.authorization;
        const userName = await checkedName(name);
        const record = await passwords.find(userName);
        if (record === undefined) throw unknownUser(name, 'with a password here');
        const passwordHash = await hashPassword(await newPassword(userName, io));
        await passwords.change({ userName, passwordHash, changedAt: nowSeconds(systemClock) });
        await people.endSessions(record.userId);
        await audit(opened, 'set-password', await people.find(record.userId));
        opened.print({ userName, isChanged: true }, `${userName} has a new password.\n`);
      });
    });

  users
    .command('remove <user>')
    .description('delete a person with their sessions, connected apps, password and identities')
    .action(async (name: string, _options: unknown, command: Command) => {
      await withStorage(command, io, async (opened) => {
        const user = await findUser(opened, name);
        await opened.storage.authorization.users.remove(user.id);
        await audit(opened, 'remove', user);
        const human = `${user.id} is removed. What they learned stays in the catalog until it is erased there.\n`;
        opened.print({ id: user.id, isRemoved: true }, human);
      });
    });
}

/** The demo people are there as they are for the server, so that they can be listed and disabled too. */
function withStorage(
  command: Command,
  io: CliIo,
  work: (operator: Operator) => Promise<void>,
): Promise<void> {
  return asOperator(command, io, async (operator) => {
    await seedSample(operator.storage, operator.config);
    await work(operator);
  });
}

async function addUser(
  name: string,
  options: AddOptions,
  { storage }: Operator,
  io: CliIo,
): Promise<AuthorizationUser & { readonly userName: string }> {
  const { hashPassword } = await import('../../authorization/people/password.js');
  const userName = await checkedName(name);
  if (!TENANT.test(options.tenant)) {
    throw new ConfigurationError(
      `--tenant ${quote(options.tenant)} has to be letters, digits, ".", "_" or "-", at most 64`,
    );
  }
  const known = Object.keys(CATALOG_SCOPES);
  const wrong = options.scope?.find((scope) => !known.includes(scope));
  if (wrong !== undefined) {
    throw new ConfigurationError(`--scope ${quote(wrong)} is not one of ${known.join(', ')}`);
  }
  const { passwords } = storage.authorization;
  if ((await passwords.find(userName)) !== undefined) throw takenName(name);
  const user: AuthorizationUser = {
    id: `local-${randomId(16)}`,
    displayName: options.displayName ?? name,
    tenant: options.tenant,
    scopes: options.scope ?? known,
    isDisabled: false,
  };
  const passwordHash = await hashPassword(await newPassword(userName, io));
  const changedAt = nowSeconds(systemClock);
  if (!(await passwords.create(user, { userName, userId: user.id, passwordHash, changedAt }))) {
    throw takenName(name);
  }
  return { ...user, userName };
}

async function newPassword(userName: string, io: CliIo): Promise<string> {
  const { checkNewPassword } = await import('../../authorization/people/password.js');
  const password = await readPassword(`New password for ${userName}: `, io);
  if (password === undefined || password === '') {
    throw new ConfigurationError(
      'there is no password: type it at the prompt, or give it as the first line of standard input',
    );
  }
  const problem = checkNewPassword(password, userName);
  if (problem !== undefined) throw new ConfigurationError(problem);
  return password;
}

async function setDisabled(opened: Operator, name: string, isDisabled: boolean): Promise<void> {
  const { users, artifacts } = opened.storage.authorization;
  const user = await findUser(opened, name);
  await users.upsert({ ...user, isDisabled });
  if (isDisabled) {
    await users.endSessions(user.id);
    for (const { idHash } of await artifacts.listByAccount('Grant', user.id, MAX_LISTED)) {
      await artifacts.commit([{ kind: 'revokeGrant', grantHash: idHash }]);
    }
  }
  await audit(opened, isDisabled ? 'disable' : 'enable', user);
  const human = `${user.id} ${isDisabled ? 'is disabled: nothing of theirs is open here any more' : 'may sign in again'}.\n`;
  opened.print({ id: user.id, isDisabled }, human);
}

/** By id, or by the user name of a local password. */
async function findUser({ storage }: Operator, name: string): Promise<AuthorizationUser> {
  const { normaliseUserName } = await import('../../authorization/people/password.js');
  const { users, passwords } = storage.authorization;
  const record = await passwords.find(normaliseUserName(name) ?? '');
  const user = await users.find(record?.userId ?? name);
  if (user === undefined) throw unknownUser(name, 'by that id or user name');
  return user;
}

async function checkedName(name: string): Promise<string> {
  const { normaliseUserName } = await import('../../authorization/people/password.js');
  const userName = normaliseUserName(name);
  if (userName !== undefined) return userName;
  throw new ConfigurationError(
    `the user name ${quote(name)} has to be 1 to 128 characters without spaces`,
  );
}

interface ListedUser extends AuthorizationUser {
  readonly userName: string | undefined;
  /** Issuer and subject at identity providers. */
  readonly identities: readonly string[];
}

async function listUsers({ storage }: Operator): Promise<readonly ListedUser[]> {
  const { users, passwords, identities } = storage.authorization;
  const names = new Map(
    (await passwords.list(MAX_LISTED)).map(({ userId, userName }) => [userId, userName]),
  );
  const list: ListedUser[] = [];
  for (const user of await users.list(MAX_LISTED)) {
    const known = await identities.listOf(user.id);
    const places = known.map(({ issuer, subject }) => `${issuer} ${subject}`);
    list.push({ ...user, userName: names.get(user.id), identities: places });
  }
  return list;
}

function describe(user: ListedUser): string {
  const way = user.userName ?? user.identities[0] ?? 'demo';
  const state = user.isDisabled ? 'disabled' : 'may sign in';
  return `${user.id}  ${user.displayName}  ${way}  ${user.tenant}  ${state}  ${user.scopes.join(' ')}`;
}

function audit(
  { record }: Operator,
  what: string,
  user: AuthorizationUser | undefined,
): Promise<void> {
  return record({ operation: `users/${what}`, target: user?.id, tenant: user?.tenant });
}

function unknownUser(name: string, how: string): ConfigurationError {
  return new ConfigurationError(
    `there is nobody ${quote(name)} ${how}: "catalog-server users list" shows everybody`,
  );
}

function takenName(name: string): ConfigurationError {
  return new ConfigurationError(
    `the user name ${quote(name)} is taken: "catalog-server users set-password" changes its password`,
  );
}
