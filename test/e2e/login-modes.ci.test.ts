import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, startCatalog } from '../support/catalog-server.js';
import { type RunOutcome, runNode, startNode, temporaryFolder } from '../support/processes.js';
import { ScriptedBrowser, readForm, signIn } from '../support/scripted-browser.js';

/** A login over SSH on a machine without a display. */
const FAR_AWAY = {
  DISPLAY: undefined,
  WAYLAND_DISPLAY: undefined,
  WSL_DISTRO_NAME: undefined,
  SSH_CONNECTION: '198.51.100.7 50022 203.0.113.9 22',
};

describe('signing in from a machine without a browser', () => {
  let server: Awaited<ReturnType<typeof startCatalog>>;

  beforeAll(async () => {
    server = await startCatalog();
  });

  afterAll(() => server.stop());

  /** Starts a login; `said` resolves with the first match on stderr. */
  function startLogin(args: readonly string[]): {
    env: Record<string, string | undefined>;
    said: (pattern: RegExp) => Promise<string>;
    write: (text: string) => void;
    ended: Promise<RunOutcome>;
  } {
    const env = { ...FAR_AWAY, CATALOG_CLIENT_HOME: temporaryFolder() };
    const command = [CLIENT, 'login', server.ready.mcp, '--json', ...args];
    const { child, promise } = startNode(command, { env });
    let text = '';
    const said = (pattern: RegExp): Promise<string> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(text)?.[1];
          if (found !== undefined) resolve(found);
        };
        child.stderr?.on('data', (chunk: string) => {
          text += chunk;
          look();
        });
        child.once('close', () => reject(new Error(`ended without ${String(pattern)}: ${text}`)));
      });
    return { env, said, write: (line) => child.stdin?.write(line), ended: promise };
  }

  async function expectSignedIn(
    run: RunOutcome,
    env: Record<string, string | undefined>,
  ): Promise<void> {
    expect(run).toMatchObject({ code: 0 });
    expect(JSON.parse(run.stdout)).toMatchObject({ issuer: server.ready.issuer });
    const client = (...args: string[]) => runNode([CLIENT, ...args, server.ready.mcp], { env });
    expect(await client('tools')).toMatchObject({ code: 0 });
    const out = await client('logout', '--json');
    expect(JSON.parse(out.stdout)).toMatchObject({ wasSignedIn: true, revoked: true });
  }

  it('uses a code on another device by itself where the server offers that (RFC 8628)', async () => {
    const login = startLogin([]);
    const link = await login.said(/^(http\S+\/device\S*)$/m);
    const browser = new ScriptedBrowser();
    const confirm = await browser.submit(await browser.open(link), {});
    const consent = await browser.submit(confirm, { confirm: 'yes' });
    const person = readForm(consent).buttons.find(({ name }) => name === 'person')?.value ?? '';
    const done = await browser.submit(consent, { person });
    expect(done).toMatchObject({ status: 200, body: expect.not.stringContaining('<form') });
    await expectSignedIn(await login.ended, login.env);
  });

  it('takes the address that a browser elsewhere ended at, and prints the tunnel', async () => {
    const login = startLogin(['--mode', 'paste', '--port', '0']);
    const tunnel = login.said(/^(ssh -L (\d+):127\.0\.0\.1:\2 203\.0\.113\.9)$/m);
    const url = await login.said(/^(http\S+\/authorize\S+)$/m);
    await tunnel;
    const refused = login.said(/(Not taken: .*)/);
    login.write('no address\n');
    expect(await refused).toContain('whole address');
    login.write(`${await signIn(url, { person: 'Nora' })}\n`);
    await expectSignedIn(await login.ended, login.env);
  });
});
