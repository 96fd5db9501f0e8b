import type { AuthorizationUser } from '../../authorization/ports.js';
import { type ServerConfig, describeDatabase } from './config.js';

export interface Ready {
  readonly config: ServerConfig;
  /** Resource identifier of the MCP endpoint. */
  readonly mcp: string;
  /** Of the admin port, if there is one. */
  readonly admin: string | undefined;
  readonly people: readonly AuthorizationUser[];
  readonly demo: { readonly key: string; readonly learner: string } | undefined;
}

/** One JSON line for scripts. */
export function readyLine({ config, mcp, admin, demo }: Ready): string {
  return `${JSON.stringify({
    url: config.publicUrl,
    mcp,
    issuer: config.issuer,
    admin,
    apiKey: demo?.key,
    learner: demo?.learner,
  })}\n`;
}

/** What runs, how to get in, and what to try next. */
export function readyMessage(ready: Ready): string {
  const { config, mcp, admin, people, demo } = ready;
  const lines = ['catalog-mcp is running', ''];
  if (config.role !== 'auth') lines.push(`  MCP server             ${mcp}`);
  lines.push(
    `  Authorization server   ${config.issuer}`,
    `  Data                   ${describeDatabase(config.database)}`,
  );
  if (admin !== undefined) lines.push(`  Admin                  ${admin}/metrics, ${admin}/readyz`);
  if (config.role !== 'mcp' && !config.signIn.ways.includes('demo')) {
    lines.push(
      `  Sign-in                ${config.issuer}/account, by ${config.signIn.ways.join(', ')}`,
    );
  }
  if (config.role !== 'mcp' && config.signIn.ways.includes('demo')) {
    for (const [at, { displayName, tenant }] of people.entries()) {
      lines.push(`  ${(at === 0 ? 'Demo sign-in' : '').padEnd(23)}${displayName} (${tenant})`);
    }
  }
  if (demo !== undefined) {
    lines.push(
      `  Demo API key           ${demo.key}`,
      `                         acts as ${demo.learner}, for 24 hours`,
    );
  }
  if (config.role !== 'auth') {
    lines.push(
      '',
      'Try next:',
      '',
      `  npx catalog-client login ${mcp}`,
      `  npx catalog-client call ${mcp} search_courses '{"query":"sql"}'`,
      '  npx catalog-agent "I am a nurse and want to become a data analyst, 4 hours a week"',
    );
  }
  return `${lines.join('\n')}\n`;
}
