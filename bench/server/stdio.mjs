// From spawn to the first tools/list over stdio, key check and store included, against a script that answers the line.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// What hosts are told to start.
const ENTRY = fileURLToPath(new URL('../../server.js', import.meta.url));
const BARE = fileURLToPath(new URL('bare-stdio.mjs', import.meta.url));
const PREFIX = 'io.modelcontextprotocol/';
const LINE = lineOf('tools/list', {});
const CALL = lineOf('tools/call', { name: 'search_courses', arguments: { query: 'sql' } });

/** @param {number} rounds */
export async function measureColdStart(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-stdio-'));
  try {
    const env = prepareData(folder);
    const samples = { bare: [], ours: [], call: [] };
    for (let round = 0; round < rounds + 2; round++) {
      const bare = await firstAnswer([BARE], env);
      const ours = await firstAnswer([ENTRY, '--transport=stdio'], env);
      const call = await firstAnswer([ENTRY, '--transport=stdio'], env, CALL);
      // The first two rounds fill the machine's file cache.
      if (round < 2) continue;
      samples.bare.push(bare);
      samples.ours.push(ours);
      samples.call.push(call);
    }
    const row = (label, name) => ({
      label,
      ms: median(samples[name]),
      // Of a pair, not of the medians: what disturbs the machine disturbs both.
      timesBare: median(samples[name].map((ms, round) => ms / samples.bare[round])),
    });
    return {
      name: 'stdio cold start',
      bar: 2,
      rows: [
        row('bare Node script', 'bare'),
        row('catalog-mcp, key checked, store open', 'ours'),
        row('the same to a first tools/call (no bar)', 'call'),
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A data folder with a catalog and a key, as a first `catalog-server` leaves it. */
function prepareData(folder) {
  const env = { PATH: process.env.PATH, HOME: folder, CATALOG_DATA: join(folder, 'data') };
  const server = fileURLToPath(new URL('../../dist/bin/catalog-server.js', import.meta.url));
  const run = [server, 'api-keys', 'create', '--name', 'bench', '--json'];
  const made = execFileSync(process.execPath, run, { env, encoding: 'utf8' });
  return { ...env, CATALOG_API_KEY: JSON.parse(made).key };
}

function firstAnswer(args, env, line = LINE) {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.once('error', reject);
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (!text.includes('\n')) return;
      const elapsed = performance.now() - startedAt;
      child.stdin.end();
      if (JSON.parse(text).result === undefined) reject(new Error(text));
      child.once('exit', () => resolve(elapsed));
      child.stdout.removeAllListeners('data').resume();
    });
    child.stdin.write(line);
  });
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function lineOf(method, params) {
  const _meta = {
    [`${PREFIX}protocolVersion`]: '2026-07-28',
    [`${PREFIX}clientCapabilities`]: {},
  };
  return `${JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } })}\n`;
}
