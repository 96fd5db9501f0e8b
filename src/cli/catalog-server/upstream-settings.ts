import { ConfigurationError } from './parse-setting.js';

/** The row of `SETTINGS` that this file reads. */
export const UPSTREAM_SETTINGS = {
  upstreams: {
    flags: '--upstreams <file>',
    env: 'CATALOG_UPSTREAMS',
    description:
      'JSON file of APIs that tools may call, with credentials of their own (docs/upstreams.md); the variable may hold the JSON itself',
  },
} as const;

/**
 * @returns path of the file, or the JSON itself
 * @throws {ConfigurationError} naming the flag and what would work
 */
export function resolveUpstreams(upstreams: string | undefined, role: string): string | undefined {
  if (upstreams !== undefined && role === 'auth') {
    throw new ConfigurationError(
      '--upstreams is for the MCP server, whose tools call them: leave it out with --role=auth',
    );
  }
  return upstreams;
}
