import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Bridge, Host, Launch, WayIn } from '../../client/index.js';
import { HOST_PROFILES, hostConfigPaths } from '../../client/hosts/host-profiles.js';
import { diffLines } from '../../client/hosts/line-diff.js';
import type { ClientContext } from './context.js';
import { ClientUsageError } from './errors.js';

export interface ConfigFlags {
  readonly way: WayIn;
  readonly via: Bridge;
  readonly launch?: Launch;
  readonly name: string;
  readonly file?: string;
  readonly headerEnv: readonly string[];
  readonly write?: boolean;
  readonly undo?: boolean;
  readonly dryRun?: boolean;
  readonly import?: boolean;
  readonly replace?: boolean;
  readonly includeSecrets?: boolean;
}

/** The file of a host: the one that is named, the one that is there, or the one to make. */
export function configPaths(
  context: ClientContext,
  host: Host,
  { file }: Pick<ConfigFlags, 'file'>,
): readonly string[] {
  if (file !== undefined) return [resolve(file)];
  const paths = hostConfigPaths(host, {
    platform: process.platform,
    home: context.io.env['HOME'] || context.io.env['USERPROFILE'] || homedir(),
    env: context.io.env,
  });
  const existing = paths.filter((path) => existsSync(path));
  return existing.length > 0 ? existing : paths.slice(0, 1);
}

export function requireConfigPath(
  context: ClientContext,
  host: Host,
  flags: Pick<ConfigFlags, 'file'>,
): string {
  const [path] = configPaths(context, host, flags);
  if (path !== undefined) return path;
  throw new ClientUsageError(
    `${HOST_PROFILES[host].title} has no configuration file of its own: name yours with --file`,
  );
}

export interface Reported {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string;
}

/** Tells what was, or would be, written. The lines of a dry run are data: they go to stdout. */
export function report(
  context: ClientContext,
  host: Host,
  { path, before, after }: Reported,
  isDryRun: boolean,
  details: Readonly<Record<string, unknown>> = {},
): void {
  const isChanged = before !== after;
  const diff = diffLines(before ?? '', after);
  const data = { host, file: path, changed: isChanged, ...(isDryRun && { diff }), ...details };
  if (isDryRun) {
    context.print(data, diff);
    context.say(isChanged ? `Would be written to ${path}` : `${path} is as it should be`);
    return;
  }
  const { title } = HOST_PROFILES[host];
  context.print(
    data,
    isChanged
      ? `Written to ${path}\nNext: restart ${title}. catalog-client config ${host} --undo takes it back`
      : `${path} is as it should be`,
  );
}
