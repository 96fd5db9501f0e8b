import { spawn } from 'node:child_process';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { LoginFailedError } from '../errors.js';

/** Shows a URL to a person. Rejects when it cannot; the login then goes on with the printed URL. */
export type OpenBrowser = (url: URL) => Promise<void>;

/**
 * Checks a URL that came from a server before any program gets it.
 *
 * @throws {LoginFailedError} unless it is https, or http to this machine, without user info
 */
export function requireBrowsableUrl(url: URL): void {
  const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackUrl(url));
  if (isAllowed && url.username === '' && url.password === '') return;
  throw new LoginFailedError(
    `the authorization server's sign-in address (${url.protocol}//${url.host}) is not https: not opened`,
  );
}

/**
 * Opens the desktop's browser, or the program that `command` names, with the URL as its only argument. No shell ever
 * sees it.
 *
 * @param command - value of `BROWSER`: path of an executable. Undefined or empty: the desktop's browser
 */
export function createBrowserOpener(command: string | undefined): OpenBrowser {
  return async (url) => {
    requireBrowsableUrl(url);
    if (command !== undefined && command !== '') return runCommand(command, url.href);
    const { default: open } = await import('open');
    const child = await open(url.href);
    // Without a listener a missing xdg-open would end this process.
    child.on('error', () => undefined);
  };
}

function runCommand(command: string, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [url], { shell: false, stdio: 'ignore', detached: true });
    child.once('error', reject);
    child.once('spawn', () => {
      child.unref();
      resolve();
    });
  });
}
