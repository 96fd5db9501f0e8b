// npm run bench:server -- [--install-peers] [--json FILE] [--peers DIR] [--rounds N] [--requests N] [--instructions]
//   [--only TEXT] [--rows TEXT,...]
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { startTarget } from './child.mjs';
import { countInstructions } from './instructions.mjs';
import { exchange, load } from './load.mjs';
import { installPeers, installedPeers, node24 } from './peers.mjs';
import { prepare, scenarios } from './scenarios.mjs';
import { measureColdStart } from './stdio.mjs';
import { measureTokenCache } from './token.mjs';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    'install-peers': { type: 'boolean', default: false },
    peers: { type: 'string' },
    rounds: { type: 'string', default: '9' },
    requests: { type: 'string', default: '1500' },
    instructions: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    rows: { type: 'string', default: '' },
  },
});
if (values['install-peers']) installPeers();
const peers = values.peers ?? installedPeers();
const rounds = Number(values.rounds);
const requests = Number(values.requests);
const WARM_UP = 4000;

const report = {
  node: process.version,
  machine: `${cpus().length} cores, ${cpus()[0]?.model.trim() ?? 'unknown'}`,
  rounds,
  requests,
  scenarios: [],
};
for (const scenario of scenarios) {
  if (scenario.name.includes(values.only)) report.scenarios.push(await measure(scenario));
}
if ('stdio cold start'.includes(values.only))
  report.scenarios.push(await measureColdStart(rounds * 3));
for (const scenario of report.scenarios) print(scenario);
const ours = report.scenarios
  .find(({ name }) => name === 'tools/call')
  ?.rows.find(({ label }) => label.startsWith('catalog-mcp'));
if (ours !== undefined) {
  report.tokenCache = await measureTokenCache(ours.cpuUs, rounds);
  const { us, share } = report.tokenCache;
  process.stdout.write(
    `\nA token that is known: ${us.toFixed(2)} us, ${(share * 100).toFixed(1)} % of a tools/call (bar: 3 %)\n`,
  );
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);

/** Every server of a scenario, warm, in turn, round by round: what disturbs the machine disturbs all of them. */
async function measure(scenario) {
  const rows = scenario.rows.filter(canRun);
  const running = [];
  // Ours is asked first for the bytes that the bare server is to repeat.
  const reply = scenario.name.startsWith('tools/list') ? await bytesOfOurs(scenario) : undefined;
  try {
    for (const row of rows) running.push(await start(row, scenario, reply));
    for (const server of running) await load(server.port, server.request, WARM_UP);
    for (let round = 0; round < rounds; round++) {
      for (const server of running) {
        const before = await server.cpu();
        const elapsedMs = await load(server.port, server.request, requests);
        const after = await server.cpu();
        server.samples.push({
          cpuUs: (after.user - before.user + after.system - before.system) / requests,
          perSecond: (requests / elapsedMs) * 1000,
        });
      }
    }
  } finally {
    for (const server of running) server.stop();
  }
  const instructions = values.instructions
    ? await countInstructions(rows, (row, wrap) => start(row, scenario, reply, wrap))
    : [];
  let base = 0;
  const baseOf = rows.map((row, index) => (row.isBase === true ? (base = index) : base));
  return {
    name: scenario.name,
    bar: scenario.bar,
    rows: running.map(({ row, samples }, index) => ({
      label: row.label,
      cpuUs: median(samples.map((sample) => sample.cpuUs)),
      timesBare: median(
        samples.map(({ cpuUs }, round) => cpuUs / running[baseOf[index]].samples[round].cpuUs),
      ),
      perSecond: median(samples.map((sample) => sample.perSecond)),
      ...(instructions[index] !== undefined && {
        kiloInstructions: instructions[index] / 1000,
        timesBareInstructions: instructions[index] / instructions[baseOf[index]],
      }),
    })),
  };
}

function canRun({ label, isPeer = false, isOnNode24 = false }) {
  if (!label.startsWith('bare') && !values.rows.split(',').some((text) => label.includes(text)))
    return false;
  if (!isPeer) return true;
  return peers !== undefined && (!isOnNode24 || node24(peers) !== undefined);
}

async function bytesOfOurs(scenario) {
  const server = await start({ target: 'ours', request: 'modern', label: 'ours' }, scenario);
  const { body } = await exchange(server.port, server.request);
  server.stop();
  return body;
}

async function start(row, scenario, reply, wrap = (execPath) => ({ execPath })) {
  const options = { target: row.target, tools: scenario.tools, peers, reply };
  const node = row.isOnNode24 === true ? node24(peers) : process.execPath;
  const server = await startTarget(options, wrap(node));
  return { ...server, row, samples: [], request: await prepare(row, scenario, server) };
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function print({ name, bar, rows }) {
  const hasInstructions = rows.some((row) => row.kiloInstructions !== undefined);
  process.stdout.write(`\n### ${name} (bar: at most ${bar} x bare)\n\n`);
  const unit = rows[0].cpuUs === undefined ? 'ms' : 'CPU us/request';
  process.stdout.write(
    `| server | x bare | ${unit} | requests/s |${hasInstructions ? ' k instructions/request | x bare (instructions) |' : ''}\n`,
  );
  process.stdout.write(`|---|---|---|---|${hasInstructions ? '---|---|' : ''}\n`);
  for (const row of rows) {
    const cells = [
      row.label,
      row.timesBare.toFixed(2),
      (row.cpuUs ?? row.ms).toFixed(0),
      row.perSecond?.toFixed(0) ?? '',
      ...(hasInstructions
        ? [row.kiloInstructions.toFixed(0), row.timesBareInstructions.toFixed(2)]
        : []),
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
}
