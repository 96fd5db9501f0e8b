import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Host } from './host-profiles.js';

/** A server that a host reaches through mcp-remote. */
export interface McpRemoteEntry {
  readonly name: string;
  /** The arguments behind the name of the program. */
  readonly args: readonly string[];
}

/** `mcp-remote`, with a version or not, or the path of its script. */
const PROGRAM =
  /(?:^|[\\/])mcp-remote(?:@[^\\/]+)?(?:[\\/](?:dist[\\/])?(?:proxy|cli|index)\.m?js)?$/;
const MAX_LEADING = 12;

/** The entries of a host's configuration that start mcp-remote, however they do: npx, bunx, node, cmd /c, a path. */
export function findMcpRemoteEntries(
  host: Host,
  entries: Readonly<Record<string, unknown>>,
): readonly McpRemoteEntry[] {
  return Object.entries(entries).flatMap(([name, entry]) => {
    const words = commandWords(host, entry);
    const at = words.slice(0, MAX_LEADING).findIndex((word) => PROGRAM.test(word));
    return at === -1 ? [] : [{ name, args: words.slice(at + 1) }];
  });
}

/** The properties of an entry that hold its command line. */
export function commandProperties(
  host: Host,
  { command, args }: { readonly command: string; readonly args: readonly string[] },
): JsonObject {
  return host === 'opencode' ? { command: [command, ...args] } : { command, args: [...args] };
}

function commandWords(host: Host, entry: unknown): string[] {
  if (!isJsonObject(entry)) return [];
  const { command, args } = entry;
  const words = host === 'opencode' ? [command].flat() : [command, ...[args ?? []].flat()];
  return words.every((word) => typeof word === 'string') ? words : [];
}
