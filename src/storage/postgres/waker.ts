import type { Client } from 'pg';
import type { BusWaker } from '../stores/message-bus.js';
import { CHANNEL } from './engine.js';

// Also while notifications come: a connection may have died in silence, and some poolers take LISTEN and forget it.
const LOOK_EVERY_MS = 1000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5000;

/**
 * Wakes on NOTIFY, over a connection of its own that is opened again when it breaks, and every second besides.
 *
 * @param connect - opens a connection, or throws
 */
export function createPostgresWaker(connect: () => Promise<Client>): PostgresWaker {
  const running = new Set<Listening>();
  return {
    start(wake) {
      const listening = new Listening(connect, wake);
      running.add(listening);
      return () => {
        running.delete(listening);
        void listening.stop();
      };
    },
    async stop() {
      await Promise.all([...running].map((listening) => listening.stop()));
    },
  };
}

export interface PostgresWaker extends BusWaker {
  /** Ends every connection. */
  stop(): Promise<void>;
}

class Listening {
  readonly #connect: () => Promise<Client>;
  readonly #wake: () => void;
  readonly #looking: NodeJS.Timeout;
  #client: Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #isStopped = false;
  #opening: Promise<void>;

  constructor(connect: () => Promise<Client>, wake: () => void) {
    this.#connect = connect;
    this.#wake = wake;
    this.#looking = setInterval(wake, LOOK_EVERY_MS);
    this.#looking.unref();
    this.#opening = this.#open();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#looking);
    clearTimeout(this.#retry);
    await this.#opening;
    await this.#drop();
  }

  async #open(): Promise<void> {
    try {
      const client = await this.#connect();
      this.#client = client;
      client.on('error', () => this.#openAgain(client));
      client.on('end', () => this.#openAgain(client));
      client.on('notification', this.#wake);
      await client.query(`LISTEN ${CHANNEL}`);
      this.#retryMs = FIRST_RETRY_MS;
      // What was sent before this connection listened.
      this.#wake();
    } catch {
      this.#openAgain(this.#client);
    }
  }

  #openAgain(broken: Client | undefined): void {
    if (this.#isStopped || this.#client !== broken || this.#retry !== undefined) return;
    void this.#drop();
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#opening = this.#open();
    }, this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
  }

  async #drop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }
}
