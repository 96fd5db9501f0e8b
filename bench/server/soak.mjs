// node bench/server/soak.mjs [--minutes N] [--json FILE]: does the server grow under half of the load it can take?
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startTarget } from './child.mjs';
import { exchange, formatRequest, load } from './load.mjs';
import { modernMessage, openSession, senderTo } from './scenarios.mjs';
import { TOOL_COUNTS } from './tools.mjs';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, json: { type: 'string' } },
});
const MIB = 1024 * 1024;
const durationMs = Number(values.minutes) * 60_000;
const SAMPLES = 60;
const BATCH = 100;
const PROBE = 3000;
// The load generator shares the machine: half of what it can drive is asked for, one half is pause.
const LOAD_SHARE = 0.5;

const server = await startTarget(
  { target: 'ours', tools: TOOL_COUNTS.list },
  { execArgv: ['--expose-gc'] },
);
const send = senderTo(server);
const call = { name: 'add', arguments: { a: 1, b: 2 } };
const modernCall = send(...modernMessage(1, 'tools/call', call, { 'mcp-name': 'add' }));
const modernList = send(...modernMessage(1, 'tools/list', {}));

await load(server.port, modernCall, PROBE);
const probeMs = await load(server.port, modernCall, PROBE);
const full = (PROBE / probeMs) * 1000;

const samples = [];
let requests = 0;
let sessions = 0;
const startedAt = performance.now();
const every = durationMs / SAMPLES;
while (performance.now() - startedAt < durationMs) {
  const roundStartedAt = performance.now();
  await round();
  const busyMs = performance.now() - roundStartedAt;
  await pause(busyMs * (1 / LOAD_SHARE - 1));
  if (performance.now() - startedAt >= (samples.length + 1) * every) samples.push(await sample());
}
server.stop();

const report = {
  minutes: Number(values.minutes),
  requests,
  sessions,
  perSecond: Math.round((requests / (performance.now() - startedAt)) * 1000),
  perSecondAtFullLoad: Math.round(full),
  ...growth(samples),
  samples,
};
const { samples: _samples, ...summary } = report;
process.stdout.write(`${JSON.stringify(summary)}\n`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);

/** Both eras, and a session from its opening to its end. */
async function round() {
  await load(server.port, modernCall, BATCH);
  await load(server.port, modernList, BATCH);
  const headers = await openSession(server.port, 'ours', send);
  const legacyCall = send(headers, { id: 1, method: 'tools/call', params: call });
  await load(server.port, legacyCall, BATCH);
  await exchange(server.port, endOf(headers));
  sessions++;
  requests += 3 * BATCH + 3;
}

function endOf(headers) {
  const request = formatRequest(server.port, server.path, {
    headers: { ...headers, authorization: `Bearer ${server.token}` },
    body: '',
  });
  return Buffer.from(String(request).replace(/^POST/, 'DELETE'));
}

/** What is in use, in MiB, garbage taken out. */
async function sample() {
  const { heapUsed, external, rss } = await server.memory();
  const seconds = (performance.now() - startedAt) / 1000;
  return { seconds, usedMiB: (heapUsed + external) / MIB, rssMiB: rss / MIB };
}

/** From the second quarter (caches are full by then) to the last: by how much the median is larger. */
function growth(all) {
  const quarter = Math.floor(all.length / 4);
  const part = (from, name) => median(all.slice(from, from + quarter).map((one) => one[name]));
  const between = (name) => {
    const early = part(quarter, name);
    const late = part(all.length - quarter, name);
    return { early, late, growth: late / early - 1 };
  };
  return { used: between('usedMiB'), rss: between('rssMiB') };
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function pause(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
