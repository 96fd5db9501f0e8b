import type { Command } from 'commander';
import type { CliIo } from '../io.js';
import { loadMasterSecrets } from './master-secret.js';
import { asOperator } from './operator.js';
import { ConfigurationError } from './parse-setting.js';
import { formatTable } from './table.js';

/** Adds `master-secret rotate`. */
export function addMasterSecretCommands(program: Command, io: CliIo): void {
  program
    .command('master-secret')
    .description('the secret that everything stored is sealed with')
    .command('rotate')
    .description(
      'seal everything under CATALOG_MASTER_SECRET that opens with CATALOG_MASTER_SECRET_PREVIOUS; servers may run, and it may be run again',
    )
    .action(async (_options: unknown, command: Command) => {
      const { resealAll } = await import('../../authorization/index.js');
      await asOperator(command, io, async ({ config, storage, print, record }) => {
        const report = await resealAll(
          storage.authorization.sealedValues,
          loadMasterSecrets(config),
        );
        const rows = Object.entries(report);
        const sum = (name: 'resealed' | 'unreadable') =>
          rows.reduce((total, [, counts]) => total + counts[name], 0);
        await record({
          operation: 'master-secret/rotate',
          target: undefined,
          reason: `${sum('resealed')} sealed anew, ${sum('unreadable')} unreadable`,
        });
        const table = formatTable(
          ['what', 'values', 'sealed anew', 'unreadable'],
          rows.map(([place, { total, resealed, unreadable }]) => [
            place,
            ...[total, resealed, unreadable].map(String),
          ]),
        );
        print(report, table);
        const unreadable = sum('unreadable');
        if (unreadable === 0) return;
        throw new ConfigurationError(
          `${unreadable} values open with none of the secrets: give the one that they were sealed with in CATALOG_MASTER_SECRET_PREVIOUS, and run this again`,
        );
      });
    });
}
