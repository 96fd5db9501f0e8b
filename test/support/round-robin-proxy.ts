import { Agent, type IncomingMessage, type ServerResponse, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Backend {
  readonly port: number;
  /** Whether it takes requests; it is asked all the time. Default: it always does. */
  readonly isReady?: () => Promise<boolean>;
}

/** A plain load balancer: the next request goes to the next server. It retries nothing and knows no sessions. */
export interface RoundRobinProxy {
  readonly port: number;
  readonly origin: string;
  /** Settled when the server gets requests. */
  add(backend: Backend): Promise<void>;
  remove(backend: Backend): void;
  /** Requests that got no answer of a server. */
  readonly failures: readonly string[];
  close(): Promise<void>;
}

const CHECK_EVERY_MS = 50;

interface Known extends Backend {
  readonly agent: Agent;
  readonly checking: NodeJS.Timeout;
  isIn: boolean;
}

export async function startRoundRobinProxy(): Promise<RoundRobinProxy> {
  const known = new Set<Known>();
  const failures: string[] = [];
  let turn = 0;

  const fail = (response: ServerResponse, reason: string): void => {
    failures.push(reason);
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { 'content-type': 'text/plain' }).end(reason);
  };

  const forward = (incoming: IncomingMessage, response: ServerResponse): void => {
    const ready = [...known].filter(({ isIn }) => isIn);
    turn += 1;
    const backend = ready[turn % ready.length];
    if (backend === undefined) {
      fail(response, 'no server is ready');
      return;
    }
    const { method, url: path, headers } = incoming;
    const what = `${method} ${path} at ${backend.port}`;
    const { agent, port } = backend;
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent });
    outgoing.on('response', (answer) => {
      const { connection: _hop, 'keep-alive': _too, ...passed } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, passed);
      response.flushHeaders();
      answer.pipe(response);
      answer.on('error', (error) => fail(response, `${what}: ${error.message}`));
    });
    outgoing.on('error', (error) => {
      if (!response.destroyed) fail(response, `${what}: ${error.message}`);
    });
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  };

  const server = createServer(forward);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const drop = (backend: Known): void => {
    clearInterval(backend.checking);
    backend.isIn = false;
    known.delete(backend);
  };

  return {
    port,
    origin: `http://localhost:${port}`,
    failures,
    async add(backend) {
      const check = async (): Promise<void> => {
        one.isIn = (await backend.isReady?.().catch(() => false)) ?? true;
      };
      const one: Known = {
        ...backend,
        // As usual, it lets go of idle connections before the servers do.
        agent: new Agent({ keepAlive: true, maxSockets: 64, timeout: 60_000 }),
        checking: setInterval(() => void check(), CHECK_EVERY_MS),
        isIn: false,
      };
      known.add(one);
      await check();
    },
    remove(backend) {
      for (const one of known) if (one.port === backend.port) drop(one);
    },
    async close() {
      for (const one of known) {
        drop(one);
        one.agent.destroy();
      }
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
