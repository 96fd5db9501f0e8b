import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where this client keeps its files: `CATALOG_CLIENT_HOME`, else the platform's folder for configuration.
 *
 * @param env - the environment of the process
 */
export function clientHome(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string {
  const explicit = env['CATALOG_CLIENT_HOME'];
  if (explicit) return explicit;
  const home = env['HOME'] || homedir();
  if (platform === 'win32') {
    return join(env['APPDATA'] || join(home, 'AppData', 'Roaming'), 'catalog-mcp');
  }
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'catalog-mcp');
  return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'catalog-mcp');
}

const PROFILE_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/i;

/**
 * Checks the name of a profile: it becomes a file name.
 *
 * @throws {TypeError} unless it is 1 to 63 letters, digits, `-` and `_`, and starts with a letter or digit
 */
export function requireProfileName(name: string): string {
  if (PROFILE_NAME.test(name)) return name;
  throw new TypeError(
    `profile ${JSON.stringify(name)} is not a name of 1 to 63 letters, digits, - and _`,
  );
}
