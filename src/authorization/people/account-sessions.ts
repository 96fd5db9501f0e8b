import type { IncomingMessage } from 'node:http';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { hashId, randomId } from '../../shared/ids.js';
import type { Sealer } from '../../shared/sealing.js';
import type { Locations } from '../locations.js';
import type { ArtifactStore } from '../ports.js';
import { ownArtifact } from '../own-artifact.js';

const MODEL = 'AccountSession';
const SESSION_SECONDS = 3600;

/** A browser that is signed in to look at its person's connected apps: short, and apart from the one for clients. */
export interface AccountSession {
  readonly userId: string;
  readonly idToken: string | undefined;
}

export interface AccountSessions {
  /** What the browser holds, signed in or not; undefined when it holds nothing. */
  browserOf(request: IncomingMessage): string | undefined;
  find(browser: string): Promise<AccountSession | undefined>;
  /** A new value for the browser: one that was set before the sign-in never becomes a session. */
  begin(session: AccountSession): Promise<{ readonly browser: string; readonly cookie: string }>;
  end(browser: string): Promise<void>;
  /** A value for a browser that holds none, to tie its forms to. */
  newBrowser(): { readonly browser: string; readonly cookie: string };
  readonly clearCookie: string;
}

export function createAccountSessions(parts: {
  readonly artifacts: ArtifactStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly locations: Locations;
}): AccountSessions {
  const { artifacts, sealer, clock, locations } = parts;
  const name = locations.cookieNames.account;
  const path = `${locations.basePath}/account`;
  const attributes = `Path=${path}; HttpOnly; SameSite=Lax${locations.isHttps ? '; Secure' : ''}`;
  const contextOf = (idHash: string): string => `${MODEL}:${idHash}`;
  const newBrowser = () => {
    const browser = randomId();
    return { browser, cookie: `${name}=${browser}; ${attributes}` };
  };
  return {
    newBrowser,
    clearCookie: `${name}=; ${attributes}; Max-Age=0`,
    browserOf: (request) => readCookie(request, name),
    async find(browser) {
      const record = await artifacts.find(MODEL, hashId(browser));
      if (record === undefined || (record.expiresAt ?? 0) < nowSeconds(clock)) return undefined;
      const opened = sealer.open(record.payload, contextOf(record.idHash));
      return opened === undefined ? undefined : (JSON.parse(opened) as AccountSession);
    },
    async begin(session) {
      const made = newBrowser();
      const idHash = hashId(made.browser);
      const now = nowSeconds(clock);
      await artifacts.commit([
        {
          kind: 'insert',
          record: ownArtifact({
            model: MODEL,
            idHash,
            payload: sealer.seal(JSON.stringify(session), contextOf(idHash)),
            accountId: session.userId,
            expiresAt: now + SESSION_SECONDS,
            createdAt: now,
          }),
        },
      ]);
      return made;
    },
    async end(browser) {
      await artifacts.commit([{ kind: 'destroy', model: MODEL, idHash: hashId(browser) }]);
    },
  };
}

/** @returns undefined when it is not there, or not one of ours by its look */
export function readCookie(request: IncomingMessage, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [key = '', value = ''] = pair.trim().split('=', 2);
    if (key === name && /^[\w-]{20,100}$/.test(value)) return value;
  }
  return undefined;
}
