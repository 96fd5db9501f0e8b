#!/usr/bin/env node
import { runProxyLogin } from '../catalog-client/proxy-login.js';
import { runProxy } from '../catalog-client/proxy.js';
import { processIo } from '../io.js';

// The entry that hosts start for every conversation: nothing of the SDK, of schemas or of other commands is in it.
const PARENT_POLL_MS = 2_000;

async function run(): Promise<void> {
  const [command, ...argv] = process.argv.slice(2);
  const io = processIo();
  // A reader of the log that goes away is no failure.
  process.stderr.on('error', () => undefined);
  if (command === 'proxy-login') {
    process.exit(await runProxyLogin(argv, io));
  }
  const ended = new AbortController();
  const end = (): void => ended.abort(new Error('ended by a signal'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  // A host that is killed closes no pipe that somebody else holds too.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end();
  }, PARENT_POLL_MS).unref();
  // Sockets and timers that are still there are nobody's any more.
  process.exit(await runProxy(argv, io, { script: process.argv[1] ?? '', ended: ended.signal }));
}

// No await at the top level: the bundle is a script, and its code cache cannot hold a module.
void run();
