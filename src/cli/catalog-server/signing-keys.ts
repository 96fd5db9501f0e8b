import { type Command, Option } from 'commander';
import type { SigningKeyDirectory, StoredSigningKey } from '../../authorization/index.js';
import { systemClock } from '../../shared/clock.js';
import { quote } from '../../shared/errors.js';
import type { CliIo } from '../io.js';
import { loadMasterSecrets } from './master-secret.js';
import { type Operator, asOperator } from './operator.js';
import { ConfigurationError } from './parse-setting.js';
import { formatTable, formatTime } from './table.js';

const HEADINGS = ['key', 'algorithm', 'now', 'made', 'signs from', 'verifies from', 'gone from'];

interface RotateOptions {
  readonly algorithm?: 'ES256' | 'RS256';
  readonly now?: boolean;
}

/** Adds `signing-keys list|rotate|remove`. */
export function addSigningKeyCommands(program: Command, io: CliIo): void {
  const keys = program
    .command('signing-keys')
    .description('the keys that tokens are signed with; they change by themselves');

  keys
    .command('list')
    .description('show every key and what it does now')
    .action((_options: unknown, command: Command) =>
      withKeys(command, io, async ({ directory, print }) => {
        const list = await directory.list();
        print({ keys: list }, formatTable(HEADINGS, list.map(toRow)));
      }),
    );

  keys
    .command('rotate')
    .description('make the next key now; it signs once it was published for --signing-key-lead')
    .addOption(
      new Option('--algorithm <name>', 'default: that of --token-algorithm').choices([
        'ES256',
        'RS256',
      ]),
    )
    .option('--now', 'let it sign at once: verifiers that keep keys may refuse tokens for a while')
    .action((options: RotateOptions, command: Command) =>
      withKeys(command, io, async ({ directory, config, print, record }) => {
        const algorithm = options.algorithm ?? config.registration.tokenAlgorithm;
        const { key, isNew } = await directory.rotate(algorithm, { isNow: options.now === true });
        if (isNew) await record({ operation: 'signing-keys/rotate', target: key.kid });
        const when =
          key.phase === 'signs' ? 'signs now' : `signs from ${formatTime(key.activateAt)}`;
        const human = isNew
          ? `${key.kid} is made and ${when}. Servers see it within a minute.\n`
          : `${key.kid} is waiting already and ${when}: --now makes another one that signs at once.\n`;
        print({ ...key, isNew }, human);
      }),
    );

  keys
    .command('remove <kid>')
    .description('for a key that has leaked: refuse all that it signed; nobody is logged out')
    .option('--now', 'yes, at once: there is no way back')
    .action((kid: string, options: { readonly now?: boolean }, command: Command) =>
      withKeys(command, io, async ({ directory, print, record }) => {
        const known = (await directory.list()).find((key) => key.kid === kid);
        if (known === undefined || known.phase === 'removed') throw unknownKey(kid);
        if (options.now !== true) {
          throw new ConfigurationError(
            `${kid} goes by itself at ${formatTime(known.removeAt)}: give --now to refuse what it signed at once`,
          );
        }
        const removal = await directory.remove(kid);
        if (removal.kind === 'unknown') throw unknownKey(kid);
        await record({ operation: 'signing-keys/remove', target: kid });
        const { successor } = removal;
        const heir = successor === undefined ? '' : ` ${successor.kid} signs from now on.`;
        print(
          { kid, isRemoved: true, successor: successor?.kid },
          `${kid} is removed: what it signed is refused within seconds, by servers on other databases within 5 minutes.${heir}\n`,
        );
      }),
    );
}

async function withKeys(
  command: Command,
  io: CliIo,
  work: (opened: Operator & { readonly directory: SigningKeyDirectory }) => Promise<void>,
): Promise<void> {
  const { createSigningKeyDirectory } = await import('../../authorization/index.js');
  await asOperator(command, io, async (operator) => {
    const { config, storage } = operator;
    const directory = createSigningKeyDirectory({
      store: storage.authorization.signingKeys,
      masterSecret: loadMasterSecrets(config),
      clock: systemClock,
      schedule: config.signingKeys,
      tokenTtlSeconds: config.accessTokenTtlSeconds,
    });
    await work({ ...operator, directory });
  });
}

const DOES: Readonly<Record<StoredSigningKey['phase'], string>> = {
  published: 'waits',
  signs: 'signs',
  verifies: 'verifies',
  removed: 'gone',
};

function toRow(key: StoredSigningKey): readonly string[] {
  const { kid, algorithm, phase, createdAt, activateAt, retireAt, removeAt } = key;
  const times = [createdAt, activateAt, retireAt, removeAt].map(formatTime);
  return [kid, algorithm, DOES[phase], ...times];
}

function unknownKey(kid: string): ConfigurationError {
  return new ConfigurationError(
    `no key ${quote(kid)} is published: "catalog-server signing-keys list" shows them`,
  );
}
