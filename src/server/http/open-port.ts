import {
  type IncomingMessage,
  type RequestListener,
  type Server,
  ServerResponse,
  createServer,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { ToolkitError } from '../../shared/errors.js';

/** Another process listens on the port. */
export class PortInUseError extends ToolkitError {
  readonly code = 'ERR_PORT_IN_USE';
  readonly port: number;

  constructor(port: number, options?: ErrorOptions) {
    super(`port ${port} is in use by another process`, options);
    this.port = port;
  }
}

/** A port that is open before the server behind it is built: the server's own URLs need the number. */
export interface OpenPort {
  readonly port: number;
  /** Answers requests from now on; those that came before have waited. */
  serve(listener: RequestListener): void;
  /** From now on every answer asks its client to send the next request over another connection. */
  startDraining(): void;
  /** Stops accepting, lets running requests end for up to `drainMs`, then cuts them. */
  close(drainMs: number): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 60_000;
// Longer than load balancers keep theirs (most of them 60 s): who closes an idle connection has to be the one that
// sends requests on it, or now and then one meets a closed door.
const KEEP_ALIVE_MS = 75_000;
const FREE_PORT_ATTEMPTS = 10;
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];

/**
 * Opens a port. `localhost` means 127.0.0.1 and, where the machine has it, ::1: clients resolve the name to either.
 *
 * @param port - 0 takes a free one
 * @throws {PortInUseError} when another process has it on one of the addresses
 */
export async function openPort(host: string, port: number): Promise<OpenPort> {
  const addresses = host === 'localhost' ? LOOPBACK_ADDRESSES : [host.replace(/^\[|\]$/g, '')];
  for (let attempt = 1; ; attempt++) {
    try {
      const draining = { isOn: false };
      const { servers, boundPort } = await bindAll(addresses, port, () =>
        createServer({
          requestTimeout: REQUEST_TIMEOUT_MS,
          keepAliveTimeout: KEEP_ALIVE_MS,
          ServerResponse: responsesWith(draining),
        }),
      );
      return serving(servers, boundPort, draining);
    } catch (error) {
      // What is free on the first address may be taken on the second: another free port will do.
      const canRetry = port === 0 && error instanceof PortInUseError;
      if (!canRetry || attempt === FREE_PORT_ATTEMPTS) throw error;
    }
  }
}

async function bindAll(
  addresses: readonly string[],
  port: number,
  create: () => Server,
): Promise<{ servers: Server[]; boundPort: number }> {
  const servers: Server[] = [];
  let boundPort = port;
  for (const [position, address] of addresses.entries()) {
    const server = create();
    try {
      boundPort = await bind(server, boundPort, address);
      servers.push(server);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (position > 0 && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')) continue;
      for (const bound of servers) bound.close();
      throw code === 'EADDRINUSE' ? new PortInUseError(boundPort, { cause: error }) : error;
    }
  }
  return { servers, boundPort };
}

function bind(server: Server, port: number, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: address, exclusive: true }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

interface Draining {
  isOn: boolean;
}

/** Answers that end their connection while the server drains, those included whose requests came before. */
function responsesWith(draining: Draining): typeof ServerResponse {
  return class<Incoming extends IncomingMessage> extends ServerResponse<Incoming> {
    override writeHead(...head: [status: number, ...rest: unknown[]]): this {
      if (draining.isOn) this.setHeader('connection', 'close');
      return super.writeHead(...(head as [number]));
    }
  };
}

function serving(servers: readonly Server[], port: number, draining: Draining): OpenPort {
  const waiting: Parameters<RequestListener>[] = [];
  const hold: RequestListener = (...exchange) => void waiting.push(exchange);
  for (const server of servers) server.on('request', hold);
  const startDraining = (): void => {
    draining.isOn = true;
  };
  return {
    port,
    serve(listener) {
      for (const server of servers) server.off('request', hold).on('request', listener);
      for (const [request, response] of waiting.splice(0)) listener(request, response);
    },
    startDraining,
    async close(drainMs) {
      startDraining();
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      for (const server of servers) {
        // A stream that began before could not say that it is the connection's last answer.
        server.keepAliveTimeout = 1;
        server.closeIdleConnections();
      }
      const cut = setTimeout(() => {
        for (const server of servers) server.closeAllConnections();
      }, drainMs);
      await Promise.all(closed);
      clearTimeout(cut);
    },
  };
}
