import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIENT } from './catalog-server.js';
import { IDP_CLIENT_ID, type LoopbackIdp } from './loopback-idp.js';
import { startNode, temporaryFolder } from './processes.js';
import { ScriptedBrowser, readForm } from './scripted-browser.js';

/** A file for `--idp`; its secret belongs into `UNIVERSITY_SECRET`. */
export function providersFile(idp: LoopbackIdp): string {
  const path = join(temporaryFolder(), 'providers.json');
  const provider = {
    id: 'university',
    profile: 'openid',
    label: 'University login',
    issuer: idp.issuer,
    clientId: IDP_CLIENT_ID,
    clientSecretEnv: 'UNIVERSITY_SECRET',
    keepTokens: true,
    allow: [{ domain: 'north.example', tenant: 'north' }],
  };
  writeFileSync(path, JSON.stringify({ providers: [provider] }));
  return path;
}

/** A person: allows it on the page, and is sent through the identity provider. */
export async function signIn(mcp: string, home: string) {
  const run = startNode([CLIENT, 'login', mcp, '--json', '--no-browser'], {
    env: { CATALOG_CLIENT_HOME: home },
  });
  let stderr = '';
  const url = await new Promise<string>((resolve, reject) => {
    run.child.stderr?.on('data', (text: string) => {
      stderr += text;
      const found = /https?:\/\/\S+\/authorize\?\S+/.exec(stderr);
      if (found !== null) resolve(found[0]);
    });
    run.promise.then((outcome) => reject(new Error(outcome.stderr)), reject);
  });
  const browser = new ScriptedBrowser();
  const page = await browser.open(url);
  const last = await browser.submit(page, { ...readForm(page).fields, provider: 'university' });
  return { browser, page, last, run };
}
