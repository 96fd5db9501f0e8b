import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker, type Grant, type LoginOptions, login } from '../../../src/client/index.js';
import type { LoginRequest } from '../../../src/client/login/login.js';
import type { Clock } from '../../../src/shared/clock.js';
import { type FakeServer, fakeBrowser, startFakeServer } from './fake-server.js';

/** A clock that only moves when it is told to. */
class FakeClock implements Clock {
  #ms = Date.now();

  nowMs(): number {
    return this.#ms;
  }

  advance(seconds: number): void {
    this.#ms += seconds * 1000;
  }
}

export interface FakeSession {
  readonly server: FakeServer;
  readonly home: string;
  readonly clock: FakeClock;
  readonly broker: Broker;
  signIn(options?: Partial<LoginOptions>, request?: LoginRequest): Promise<Grant>;
  close(): Promise<void>;
}

/** A fake server, an empty home folder and a broker on it. */
export async function startFakeSession(): Promise<FakeSession> {
  const server = await startFakeServer();
  const home = mkdtempSync(join(tmpdir(), 'catalog-mcp-test-'));
  const clock = new FakeClock();
  const broker = new Broker({ home, clock });
  return {
    server,
    home,
    clock,
    broker,
    signIn: (options = {}, request = {}) =>
      login(
        server.mcp,
        { broker, openBrowser: fakeBrowser, callbackPort: 0, timeoutSeconds: 10, ...options },
        request,
      ),
    async close() {
      await server.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
