// npm run bench:proxy -- [--json FILE] [--rounds N] [--calls N]
// catalog-client proxy against mcp-remote, in turn, round by round: start-up, memory and what a call costs.
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startHost } from './host.mjs';
import { removeHomes, rows, signedInHome } from './rows.mjs';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '11' },
    calls: { type: 'string', default: '300' },
  },
});
const rounds = Number(values.rounds);
const calls = Number(values.calls);

const server = fork(fileURLToPath(new URL('server.mjs', import.meta.url)), {
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
});
const { url } = await new Promise((resolve) => server.once('message', resolve));
try {
  const report = {
    node: process.version,
    machine: `${cpus().length} cores, ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    rounds,
    calls,
    tables: [await signedOut(), ...(await signedIn())],
  };
  for (const table of report.tables) print(table);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
} finally {
  server.disconnect();
  removeHomes();
}

/** Spawn to the answer of `initialize`, with nobody signed in. mcp-remote has none before the login is over. */
async function signedOut() {
  const samples = { bare: [], ours: [] };
  for (let round = 0; round < rounds + 2; round++) {
    for (const name of ['bare', 'ours']) {
      const row = rows[name];
      const host = startHost(row.command(`${url}/locked`), row.env());
      await host.initialize();
      if (round >= 2) samples[name].push(host.elapsedMs());
      await host.end();
    }
  }
  return {
    name: 'signed out: spawn to the answer of initialize',
    bar: 'at most 3.5 x a bare Node script',
    unit: 'ms',
    rows: [
      { label: rows.bare.label, value: median(samples.bare), ratio: 1 },
      {
        label: rows.ours.label,
        value: median(samples.ours),
        ratio: medianRatio(samples.ours, samples.bare),
      },
    ],
  };
}

async function signedIn() {
  const start = { remote: [], ours: [] };
  const memory = { remote: [], ours: [] };
  const latency = { direct: [], remote: [], ours: [] };
  const home = { ours: await signedInHome('ours', url), remote: await signedInHome('remote', url) };
  for (let round = 0; round < rounds + 2; round++) {
    const isWarmUp = round < 2;
    if (!isWarmUp) latency.direct.push(await directCalls());
    for (const name of ['remote', 'ours']) {
      const row = rows[name];
      const host = startHost(row.command(`${url}/mcp`), row.env(home[name]));
      await host.initialize();
      await host.request('tools/list');
      const elapsed = host.elapsedMs();
      const rss = host.rss();
      await callMany(host, 50);
      const perCall = await callMany(host, calls);
      if (!isWarmUp) {
        start[name].push(elapsed);
        memory[name].push(Math.max(rss, host.rss()));
        latency[name].push(perCall);
      }
      await host.end();
    }
  }
  const direct = median(latency.direct);
  const added = Object.fromEntries(
    ['remote', 'ours'].map((name) => [
      name,
      latency[name].map((value, round) => value - latency.direct[round]),
    ]),
  );
  const table = (name, bar, unit, samples) => ({
    name,
    bar,
    unit,
    rows: [
      { label: rows.remote.label, value: median(samples.remote), ratio: 1 },
      {
        label: rows.ours.label,
        value: median(samples.ours),
        ratio: medianRatio(samples.ours, samples.remote),
      },
    ],
  });
  return [
    table('signed in: spawn to the first tools/list', 'at most 0.5 x mcp-remote', 'ms', start),
    table('resident memory after the calls', 'at most 0.7 x mcp-remote', 'MB', memory),
    table(
      `time that the bridge adds to one call after another (${direct.toFixed(2)} ms without one)`,
      'at most 0.5 x mcp-remote',
      'ms',
      added,
    ),
  ];
}

async function callMany(host, count) {
  const startedAt = performance.now();
  for (let index = 0; index < count; index++) {
    const { result } = await host.request('tools/call', {
      name: 'echo',
      arguments: { text: 'hello' },
    });
    if (result?.content?.[0]?.text !== 'hello') throw new Error(JSON.stringify(result));
  }
  return (performance.now() - startedAt) / count;
}

/** The same calls straight to the server, over one connection. */
async function directCalls() {
  const { default: http } = await import('node:http');
  const agent = new http.Agent({ keepAlive: true });
  const call = () =>
    new Promise((resolve, reject) => {
      const req = http.request(`${url}/mcp`, {
        agent,
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer bench' },
      });
      req.once('error', reject);
      req.once('response', (res) => res.resume().once('end', resolve));
      req.end(
        JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'echo', arguments: { text: 'hello' } },
        }),
      );
    });
  for (let index = 0; index < 50; index++) await call();
  const startedAt = performance.now();
  for (let index = 0; index < calls; index++) await call();
  const perCall = (performance.now() - startedAt) / calls;
  agent.destroy();
  return perCall;
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** Of each round by itself: what disturbs the machine disturbs both. */
function medianRatio(ours, theirs) {
  return median(ours.map((value, round) => value / theirs[round]));
}

function print({ name, bar, unit, rows: lines }) {
  process.stdout.write(
    `\n### ${name} (bar: ${bar})\n\n| program | ${unit} | ratio |\n|---|---|---|\n`,
  );
  for (const { label, value, ratio } of lines) {
    process.stdout.write(`| ${label} | ${value.toFixed(2)} | ${ratio.toFixed(2)} |\n`);
  }
}
