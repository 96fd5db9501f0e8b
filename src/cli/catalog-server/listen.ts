import { type RequestListener, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigurationError } from './config.js';

/** Sockets that are open before the server behind them is built: its URLs need the port. */
export interface Listening {
  readonly port: number;
  /** Requests that came before are answered from now on; until then they wait. */
  serve(listener: RequestListener): void;
  /** Stops accepting, lets running requests end for up to `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

const FREE_PORT_ATTEMPTS = 10;
const UNAVAILABLE = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/**
 * Opens the port. `localhost` is both 127.0.0.1 and ::1 (where the machine has it): clients resolve the name to either.
 *
 * @param port - 0 takes a free one
 * @throws {ConfigurationError} when the port is taken or not allowed; it names the port and the flag
 */
export async function openPort(host: string, port: number): Promise<Listening> {
  const hosts = host === 'localhost' ? ['127.0.0.1', '::1'] : [host.replace(/^\[|\]$/g, '')];
  for (let attempt = 1; ; attempt++) {
    try {
      return listening(await openAll(hosts, port));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A port that is free on one address may be taken on the other: another free one will do.
      if (port === 0 && code === 'EADDRINUSE' && attempt < FREE_PORT_ATTEMPTS) continue;
      throw explain(error as NodeJS.ErrnoException, host, port);
    }
  }
}

async function openAll(hosts: readonly string[], port: number): Promise<Server[]> {
  const servers: Server[] = [];
  let actual = port;
  for (const [at, host] of hosts.entries()) {
    const server = createServer();
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port: actual, exclusive: true }, () => resolve());
      });
    } catch (error) {
      const isOptional = at > 0 && UNAVAILABLE.has(String((error as NodeJS.ErrnoException).code));
      if (isOptional) continue;
      for (const opened of servers) opened.close();
      throw error;
    }
    actual = (server.address() as AddressInfo).port;
    servers.push(server);
  }
  return servers;
}

function listening(servers: readonly Server[]): Listening {
  const waiting: Parameters<RequestListener>[] = [];
  const hold: RequestListener = (request, response) => void waiting.push([request, response]);
  for (const server of servers) server.on('request', hold);
  const [first] = servers;
  return {
    port: (first?.address() as AddressInfo).port,
    serve(listener) {
      for (const server of servers) {
        server.off('request', hold);
        server.on('request', listener);
      }
      for (const [request, response] of waiting.splice(0)) void listener(request, response);
    },
    async close(graceMs) {
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      for (const server of servers) server.closeIdleConnections();
      const timer = setTimeout(() => {
        for (const server of servers) server.closeAllConnections();
      }, graceMs);
      await Promise.all(closed);
      clearTimeout(timer);
    },
  };
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} on ${host} is taken: stop what holds it, or choose another one with --port`,
    EACCES: `port ${port} on ${host} is not allowed for this account: choose one above 1023 with --port`,
    EADDRNOTAVAIL: `this machine has no address ${host}: give another one with --host`,
    ENOTFOUND: `the name ${host} has no address: give another one with --host`,
  };
  const reason = reasons[String(error.code)];
  return reason === undefined ? error : new ConfigurationError(reason, { cause: error });
}
