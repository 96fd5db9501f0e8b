import { PassThrough } from 'node:stream';
import {
  type AuditRow,
  type StdioServer,
  type StdioServerOptions,
  serveStdio,
} from '../../../src/server/index.js';
import { LEGACY, MODERN, type RpcMessage } from '../../server/support/wire.js';
import { META } from './exchange.js';

/** A client at the other end of two pipes, which reads every line that comes. */
export class PipePeer {
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  /** What came, as it came. */
  text = '';
  readonly messages: RpcMessage[] = [];
  readonly #watchers = new Set<() => void>();
  #rest = '';
  #lastId = 0;

  constructor() {
    this.output.setEncoding('utf8');
    this.output.on('data', (chunk: string) => {
      this.text += chunk;
      const lines = (this.#rest + chunk).split('\n');
      this.#rest = lines.pop() ?? '';
      this.messages.push(...lines.map((line) => JSON.parse(line) as RpcMessage));
      for (const watch of this.#watchers) watch();
    });
  }

  write(line: string | Uint8Array): void {
    this.input.write(line);
    this.input.write('\n');
  }

  send(message: object): void {
    this.write(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  /** The first message that fits, of those that came and those to come. */
  next(isWanted: (message: RpcMessage) => boolean): Promise<RpcMessage> {
    return new Promise((resolve) => {
      const watch = (): void => {
        const found = this.messages.find(isWanted);
        if (found === undefined) return;
        this.#watchers.delete(watch);
        resolve(found);
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  answerTo(id: number | string): Promise<RpcMessage> {
    return this.next((message) => message.id === id && message.method === undefined);
  }

  request(method: string, params: object = {}): Promise<RpcMessage> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.send({ id, method, params });
    return this.answerTo(id);
  }

  modern(method: string, params: object = {}, meta: object = {}): Promise<RpcMessage> {
    return this.request(method, { ...params, _meta: envelope(meta) });
  }

  async initialize(protocolVersion: string = LEGACY): Promise<RpcMessage> {
    const answer = await this.request('initialize', {
      protocolVersion,
      capabilities: {},
      clientInfo: { name: 'peer', version: '1' },
    });
    this.send({ method: 'notifications/initialized' });
    return answer;
  }
}

export function envelope(meta: object = {}): object {
  return { [`${META}protocolVersion`]: MODERN, [`${META}clientCapabilities`]: {}, ...meta };
}

export interface PipeServer {
  readonly peer: PipePeer;
  readonly server: StdioServer;
  readonly rows: readonly AuditRow[];
}

export function startOnPipes(
  options: Pick<StdioServerOptions, 'registry'> & Partial<StdioServerOptions>,
): PipeServer {
  const peer = new PipePeer();
  const rows: AuditRow[] = [];
  const server = serveStdio({
    serverInfo: { name: 'notes', version: '1.0.0' },
    input: peer.input,
    output: peer.output,
    audit: { append: async (row) => void rows.push(row), recent: async () => rows },
    stateSecret: new Uint8Array(32).fill(3),
    ...options,
  });
  return { peer, server, rows };
}
