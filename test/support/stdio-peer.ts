import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type RunOptions, type RunOutcome, startNode } from './processes.js';

export interface RpcMessage {
  readonly jsonrpc: '2.0';
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** A host's side of a stdio connection: newline-delimited JSON-RPC to a real process. */
export class StdioPeer {
  readonly child: ChildProcess;
  readonly exited: Promise<RunOutcome>;
  readonly notifications: RpcMessage[] = [];
  /** Lines on stdout that are not JSON-RPC: there must never be one. */
  readonly strayLines: string[] = [];
  readonly #waiting = new Map<number, (message: RpcMessage) => void>();
  #nextId = 1;

  constructor(args: readonly string[], options: RunOptions = {}) {
    const { child, promise } = startNode(args, { timeoutMs: 200_000, ...options });
    this.child = child;
    this.exited = promise;
    if (child.stdout === null) throw new Error('the process has no stdout');
    createInterface({ input: child.stdout }).on('line', (line) => this.#receive(line));
  }

  /** Sends a request and resolves with its answer, error or not. Rejects when the process ends first. */
  request(method: string, params: Record<string, unknown> = {}): Promise<RpcMessage> {
    const id = this.#nextId++;
    const answer = new Promise<RpcMessage>((resolve) => this.#waiting.set(id, resolve));
    this.send({ jsonrpc: '2.0', id, method, params });
    const ended = this.exited.then((outcome): never => {
      throw new Error(`${method}: the process ended with ${outcome.code}: ${outcome.stderr}`);
    });
    return Promise.race([answer, ended]);
  }

  send(message: RpcMessage): void {
    this.child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  /** The 2025-11-25 handshake. */
  async initialize(capabilities: Record<string, unknown> = {}): Promise<RpcMessage> {
    const answer = await this.request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities,
      clientInfo: { name: 'test-host', version: '1.0.0' },
    });
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return answer;
  }

  /** A 2026-07-28 request: the envelope rides in `_meta`. */
  modernRequest(method: string, params: Record<string, unknown> = {}): Promise<RpcMessage> {
    return this.request(method, {
      ...params,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/clientInfo': { name: 'test-host', version: '1.0.0' },
      },
    });
  }

  /** Closes stdin, as a host does that goes away, and waits for the process to end. */
  async close(): Promise<RunOutcome> {
    this.child.stdin?.end();
    return this.exited;
  }

  #receive(line: string): void {
    let message: RpcMessage;
    try {
      message = JSON.parse(line) as RpcMessage;
    } catch {
      this.strayLines.push(line);
      return;
    }
    if (message.jsonrpc !== '2.0') this.strayLines.push(line);
    const waiter = typeof message.id === 'number' ? this.#waiting.get(message.id) : undefined;
    if (waiter === undefined || message.method !== undefined) this.notifications.push(message);
    else waiter(message);
  }
}
