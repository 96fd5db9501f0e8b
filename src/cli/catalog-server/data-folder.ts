import { homedir, platform } from 'node:os';
import { join, resolve } from 'node:path';

/** The folder of the embedded database and the master secret: the given one, else the account's. */
export function dataFolderOf(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return resolve(given ?? accountFolder(env));
}

export function databaseFileIn(dataFolder: string): string {
  return join(dataFolder, 'catalog.sqlite');
}

function accountFolder(env: Readonly<Record<string, string | undefined>>): string {
  const home = homedir();
  if (platform() === 'win32') {
    return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'catalog-mcp');
  }
  if (platform() === 'darwin') return join(home, 'Library', 'Application Support', 'catalog-mcp');
  return join(env['XDG_DATA_HOME'] ?? join(home, '.local', 'share'), 'catalog-mcp');
}
