import { type Command, InvalidArgumentError } from 'commander';
import type { LearnerSummary } from '../../catalog/index.js';
import { type LearnerScope, learnerIdOf, learnerScope } from '../../catalog/domain/scope.js';
import { LOCAL_ISSUER } from '../../server/core/principal.js';
import { systemClock } from '../../shared/clock.js';
import { quote } from '../../shared/errors.js';
import type { CliIo } from '../io.js';
import { asOperator } from './operator.js';
import { ConfigurationError } from './parse-setting.js';
import { formatTable, formatTime } from './table.js';

const MAX_LISTED = 10_000;
const HEADINGS = ['person', 'issuer', 'name', 'courses', 'since', 'changed'];

interface PersonFlags {
  readonly tenant: string;
  readonly personIssuer: string;
}

/** Adds `learners list|export|erase`. */
export function addLearnerCommands(program: Command, io: CliIo): void {
  const learners = program
    .command('learners')
    .description('what the catalog keeps about people who learn: show, hand out, erase');

  learners
    .command('list')
    .description('show the learners of a tenant, the oldest first')
    .requiredOption('--tenant <name>', 'whose learners')
    .option('--limit <number>', `at most ${MAX_LISTED}`, parseLimit, 100)
    .action((flags: PersonFlags & { readonly limit: number }, command: Command) =>
      asOperator(command, io, async ({ storage, print }) => {
        const { tenant } = personOf({ ...flags, personIssuer: LOCAL_ISSUER }, 'nobody');
        const list = await storage.catalog.directory.list({ tenant }, flags.limit);
        print({ tenant, learners: list }, formatTable(HEADINGS, list.map(toRow)));
      }),
    );

  withPerson(learners.command('export <person>'))
    .description('print everything kept about one learner as JSON')
    .action((subject: string, flags: PersonFlags, command: Command) =>
      asOperator(command, io, async ({ storage, print, record }) => {
        const scope = personOf(flags, subject);
        const found = await storage.catalog.directory.exportLearner(scope);
        if (found === undefined) throw unknownLearner(scope);
        await record({ operation: 'learners/export', target: learnerIdOf(scope) });
        print(found, `${JSON.stringify(found, undefined, 2)}\n`);
      }),
    );

  withPerson(learners.command('erase <person>'))
    .description('delete everything kept about one learner, and what was learned from them')
    .option('--yes', 'erase; without it nothing is changed', false)
    .action((subject: string, flags: PersonFlags & { readonly yes: boolean }, command: Command) =>
      asOperator(command, io, async ({ storage, print, record }) => {
        const scope = personOf(flags, subject);
        const found = await storage.catalog.directory.exportLearner(scope);
        if (found === undefined) throw unknownLearner(scope);
        if (!flags.yes) {
          throw new ConfigurationError(
            `learners erase would delete ${found.enrollments.length} courses, ${found.activities.length} events, goals and skills of ${quote(subject)}, for good: repeat it with --yes, after "learners export" if they are still wanted`,
          );
        }
        const isErased = await storage.catalog.directory.erase(scope, systemClock.nowMs());
        if (!isErased) throw unknownLearner(scope);
        const learner = learnerIdOf(scope);
        await record({ operation: 'learners/erase', target: learner });
        print(
          { erased: { tenant: scope.tenant, learner } },
          `Everything about ${quote(subject)} in the catalog of ${quote(scope.tenant)} is gone, and what others take after what is counted anew without them.\nThe audit log keeps who called what; "users remove" and "grants revoke" end the sign-in.\n`,
        );
      }),
    );
}

function withPerson(command: Command): Command {
  return command
    .requiredOption('--tenant <name>', 'tenant of the person')
    .option('--person-issuer <issuer>', 'who vouches for the person', LOCAL_ISSUER);
}

function personOf({ tenant, personIssuer }: PersonFlags, subject: string): LearnerScope {
  if (tenant === '' || tenant.startsWith('@')) {
    throw new ConfigurationError(
      `--tenant ${quote(tenant)} has no learners: it is empty or the name of a catalog without people`,
    );
  }
  return learnerScope({ tenant, issuer: personIssuer, subject });
}

function unknownLearner({ tenant, issuer, subject }: LearnerScope): ConfigurationError {
  return new ConfigurationError(
    `tenant ${quote(tenant)} has no learner ${quote(subject)} of issuer ${quote(issuer)}: "catalog-server learners list --tenant ${tenant}" shows them`,
  );
}

function toRow(learner: LearnerSummary): string[] {
  return [
    learner.subject,
    learner.issuer,
    learner.displayName ?? '',
    String(learner.courses),
    formatTime(learner.createdAt / 1000),
    formatTime(learner.updatedAt / 1000),
  ];
}

function parseLimit(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= MAX_LISTED) return value;
  throw new InvalidArgumentError(`expected a whole number from 1 to ${MAX_LISTED}`);
}
