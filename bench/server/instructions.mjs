// Instructions per request, by callgrind: exact where a virtual machine has no hardware counters, and slow.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from './load.mjs';

const WARM_UP = 2500;
const COUNTED = 300;

/**
 * Starts each server once more under callgrind, warms it with counting off, and counts a fixed number of requests.
 *
 * @returns {Promise<number[]>} instructions of the whole process per request, garbage collection included
 */
export async function countInstructions(rows, start) {
  const counts = [];
  for (const row of rows) {
    const count = await countOne(row, start);
    process.stderr.write(`${row.label}: ${Math.round(count / 1000)} k instructions\n`);
    counts.push(count);
  }
  return counts;
}

async function countOne(row, start) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-callgrind-'));
  try {
    const server = await start(row, (execPath) => ({
      execPath: 'valgrind',
      execArgv: [
        '--quiet',
        '--tool=callgrind',
        '--instr-atstart=no',
        `--callgrind-out-file=${join(folder, 'out')}`,
        execPath,
      ],
    }));
    await load(server.port, server.request, WARM_UP);
    execFileSync('callgrind_control', ['-i', 'on', String(server.pid)], { stdio: 'ignore' });
    await load(server.port, server.request, COUNTED);
    execFileSync('callgrind_control', ['-i', 'off', String(server.pid)], { stdio: 'ignore' });
    server.stop();
    await server.exited;
    return total(folder) / COUNTED;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function total(folder) {
  let sum = 0;
  for (const name of readdirSync(folder)) {
    const found = /^totals: (\d+)/m.exec(readFileSync(join(folder, name), 'utf8'));
    sum += Number(found?.[1] ?? 0);
  }
  return sum;
}
