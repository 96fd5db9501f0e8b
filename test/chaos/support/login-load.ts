import {
  type Served,
  type TestClient,
  type Tokens,
  authorizationUrl,
  getCode,
  newVerifier,
  redeem,
  refresh,
  registerClient,
} from '../../authorization/fixture.js';
import { ScriptedBrowser, readForm } from '../../support/scripted-browser.js';

/** What people and clients had in their hands when the last restart was over, and what was done meanwhile. */
export interface LoginReport {
  readonly logins: number;
  readonly refreshes: number;
  /** Sign-ins with a restart after the page, and another one after the code. */
  readonly acrossRestarts: number;
  /** Milliseconds of the longest sign-in, from the page to the tokens. */
  readonly slowestMs: number;
  readonly errors: readonly string[];
  readonly tokens: readonly Tokens[];
  readonly clients: readonly TestClient[];
  /** Browsers with a person who has allowed a web client, which they are not asked about again. */
  readonly remembered: readonly {
    readonly browser: ScriptedBrowser;
    readonly client: TestClient;
  }[];
}

const WEB = 'https://app.example/cb';
/** One source may register 120 clients in an hour: after these a client signs people in again. */
const MAX_CLIENTS = 80;
const CHANGES = { scope: 'catalog:read' };

/** Signs people in, as many at a time as there are `workers`, until it is told to stop. */
export async function runLogins(
  served: Served,
  options: {
    readonly workers: number;
    readonly person: string;
    readonly until: AbortSignal;
    /** Settles when the next restart is over. */
    readonly nextRestart: () => Promise<void>;
  },
): Promise<LoginReport> {
  const { workers, person, until, nextRestart } = options;
  const errors: string[] = [];
  const tokens: Tokens[] = [];
  const clients: TestClient[] = [];
  const remembered: { browser: ScriptedBrowser; client: TestClient }[] = [];
  const counts = { logins: 0, refreshes: 0, acrossRestarts: 0, slowestMs: 0 };

  const repeat = async (act: () => Promise<void>): Promise<void> => {
    while (!until.aborted && errors.length < 20) {
      try {
        await act();
      } catch (error) {
        errors.push(String(error));
      }
    }
  };

  const keep = async (login: Parameters<typeof redeem>[1]): Promise<Tokens> => {
    const { status, json, text } = await redeem(served, login);
    if (status !== 200) throw new Error(`token: ${status} ${text}`);
    counts.logins += 1;
    return {
      client: login.client,
      accessToken: String(json['access_token']),
      refreshToken: String(json['refresh_token']),
    };
  };

  const someClient = async (): Promise<TestClient> => {
    const known = clients[counts.logins % MAX_CLIENTS];
    if (clients.length >= MAX_CLIENTS && known !== undefined) return known;
    const client = await registerClient(served);
    clients.push(client);
    return client;
  };

  /** A sign-in and two refreshes: all at once. */
  const logInAtOnce = async (): Promise<void> => {
    const startedAt = performance.now();
    const client = await someClient();
    const held = await keep(await getCode(served, { client, person, changes: CHANGES }));
    counts.slowestMs = Math.max(counts.slowestMs, performance.now() - startedAt);
    let { refreshToken } = held;
    for (let turn = 0; turn < 2; turn++) {
      const { status, json, text } = await refresh(served, client, refreshToken);
      if (status !== 200) throw new Error(`refresh: ${status} ${text}`);
      refreshToken = String(json['refresh_token']);
      counts.refreshes += 1;
    }
    tokens.push({ ...held, refreshToken });
  };

  /** A person who reads the page while a server goes, and a client that is slow to redeem. */
  const logInAcrossRestarts = async (): Promise<void> => {
    const client = await registerClient(served, { redirect_uris: [WEB] });
    clients.push(client);
    const browser = new ScriptedBrowser();
    const verifier = newVerifier();
    const page = await browser.open(authorizationUrl(served, client, verifier, CHANGES));
    await nextRestart();
    const form = readForm(page);
    const found = form.buttons.find(({ text }) => text.startsWith(person));
    const last = await browser.submit(page, { ...form.fields, person: found?.value ?? '' });
    const code = new URL(last.url).searchParams.get('code');
    if (code === null) throw new Error(`no code at ${last.url}: ${last.status}`);
    await nextRestart();
    tokens.push(await keep({ client, code, verifier }));
    counts.acrossRestarts += 1;
    remembered.push({ browser, client });
  };

  await Promise.all([
    ...Array.from({ length: workers }, () => repeat(logInAtOnce)),
    repeat(logInAcrossRestarts),
    repeat(logInAcrossRestarts),
  ]);
  return { ...counts, errors, tokens, clients, remembered };
}

/** What of it was lost: clients that are not known, grants that do not refresh, consents that are asked for again. */
export async function findLosses(served: Served, report: LoginReport): Promise<string[]> {
  const losses: string[] = [];
  for (const { client, refreshToken } of report.tokens) {
    const { status } = await refresh(served, client, refreshToken);
    if (status !== 200) losses.push(`the grant of ${client.clientId}: ${status}`);
  }
  for (const client of report.clients) {
    const { status } = await new ScriptedBrowser().open(
      authorizationUrl(served, client, newVerifier(), CHANGES),
    );
    if (status !== 200) losses.push(`the client ${client.clientId}: ${status}`);
  }
  for (const { browser, client } of report.remembered) {
    const last = await browser.open(authorizationUrl(served, client, newVerifier(), CHANGES));
    const isAsked = new URL(last.url).searchParams.get('code') === null;
    if (isAsked) losses.push(`the consent for ${client.clientId}: asked again`);
  }
  return losses;
}
