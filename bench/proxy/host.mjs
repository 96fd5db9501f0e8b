// A host on stdio: starts a program and speaks newline-delimited JSON-RPC with it.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export function startHost(args, env) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk) => (complaints += chunk));
  const waiting = new Map();
  let rest = '';
  let latest = 0;
  let nextId = 1;
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    latest = performance.now();
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const message = JSON.parse(line);
      if (message.method !== undefined) continue;
      waiting.get(message.id)?.resolve(message);
      waiting.delete(message.id);
    }
  });
  const ended = new Promise((resolve) => {
    child.once('exit', () => {
      const problem = new Error(`${args.join(' ')} ended: ${complaints.slice(-2000)}`);
      for (const { reject } of waiting.values()) reject(problem);
      resolve();
    });
  });
  const say = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const request = (method, params = {}) => {
    const id = nextId++;
    const answer = new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
    });
    say({ id, method, params });
    return answer;
  };
  return {
    request,
    async initialize() {
      await request('initialize', {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'bench', version: '1.0.0' },
      });
      say({ method: 'notifications/initialized' });
    },
    /** From the start of the program to its latest answer. */
    elapsedMs: () => latest - startedAt,
    /** Resident memory in MB, as Linux tells it; elsewhere not a number. */
    rss() {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
        return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1000;
      } catch {
        return Number.NaN;
      }
    },
    async end() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
      await ended;
      clearTimeout(timer);
    },
  };
}
