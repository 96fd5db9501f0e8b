import type {
  AuthorizationServerOptions,
  UpstreamProvider,
} from '../../../../src/authorization/index.js';
import {
  type BrowserResponse,
  ScriptedBrowser,
  readForm,
} from '../../../support/scripted-browser.js';
import {
  type Fixture,
  type Login,
  authorizationUrl,
  newVerifier,
  registerClient,
  startFixture,
} from '../../fixture.js';
import { EmulatedNet } from './emulated-net.js';
import type { Emulated } from './profile-case.js';

export interface Federated {
  readonly fixture: Fixture;
  readonly net: EmulatedNet;
  readonly upstream: Emulated;
  close(): Promise<void>;
}

export const PROVIDER_ID = 'upstream';

/** Our server with one emulated identity provider behind it. */
export async function startFederated(
  start: (net: EmulatedNet) => Promise<Emulated>,
  provider: Omit<UpstreamProvider, 'id' | 'clientId'>,
  options: Partial<AuthorizationServerOptions> & { readonly path?: string } = {},
): Promise<Federated> {
  const net = new EmulatedNet();
  const upstream = await start(net);
  const { path, ...rest } = options;
  const fixture = await startFixture({
    ...(path === undefined ? {} : { path }),
    options: {
      signIn: {
        kind: 'identity-providers',
        fetch: net.fetch,
        providers: [
          {
            id: PROVIDER_ID,
            clientId: upstream.clientId,
            clientSecret: upstream.clientSecret,
            ...provider,
          },
        ],
      },
      ...rest,
    },
  });
  return {
    fixture,
    net,
    upstream,
    async close() {
      await fixture.close();
      await upstream.close();
    },
  };
}

export function newBrowser(): ScriptedBrowser {
  return new ScriptedBrowser({ isFinal: (url) => url.port === '9696' });
}

/** Up to the provider's door: consent given, not yet signed in there. */
export async function approve(
  { fixture }: Federated,
  browser: ScriptedBrowser,
  changes: Readonly<Record<string, string>> = {},
): Promise<{ login: Omit<Login, 'code'>; page: BrowserResponse; atProvider: string }> {
  const client = await registerClient(fixture);
  const verifier = newVerifier();
  const page = await browser.open(authorizationUrl(fixture, client, verifier, changes));
  const sent = await browser.submit(page, { ...readForm(page).fields, provider: PROVIDER_ID });
  return { login: { client, verifier }, page, atProvider: sent.url };
}

/** The code that reached the client; one that got no further than our own pages does not count. */
function codeIn(url: string): string | null {
  const { port, searchParams } = new URL(url);
  return port === '9696' ? searchParams.get('code') : null;
}

/** The whole way, up to the code or the page that the browser ends at. */
export async function signInAtProvider(
  federated: Federated,
  browser: ScriptedBrowser = newBrowser(),
): Promise<{ login: Omit<Login, 'code'>; last: BrowserResponse; code: string | null }> {
  const { login, atProvider } = await approve(federated, browser);
  const last = await browser.open(await federated.upstream.visit(atProvider));
  return { login, last, code: codeIn(last.url) };
}
