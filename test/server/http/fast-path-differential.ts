import * as fc from 'fast-check';
import { expect } from 'vitest';
import { createRecogniser } from '../../../src/server/mcp/direct-request.js';
import { requests } from './fast-path-requests.js';
import { type Pair, type RawAnswer, type RawRequest, oddRegistry } from './fast-path-support.js';

const SEED = 20_260_728;

/**
 * Sends the same generated requests down both ways and compares status, headers, body, the tools that ran and the
 * audit row.
 *
 * @returns the share of requests that the direct path knows as its own
 */
export async function compareBothWays(pair: Pair, numRuns: number): Promise<number> {
  const recognise = createRecogniser();
  const registry = oddRegistry(() => undefined);
  let recognised = 0;
  await fc.assert(
    fc.asyncProperty(requests, async (request) => {
      if (recognise(registry, singleHeaders(request), parse(request.body)) !== undefined) {
        recognised += 1;
      }
      const [direct, reference] = await Promise.all([
        observe(pair, 'direct', request),
        observe(pair, 'reference', request),
      ]);
      expect(direct).toEqual(reference);
    }),
    { seed: SEED, numRuns, verbose: true },
  );
  return recognised / numRuns;
}

async function observe(pair: Pair, side: 'direct' | 'reference', request: RawRequest) {
  const runs = pair.runs[side];
  const before = runs.length;
  const answer = await pair.send(side, request);
  const [row] = await pair[side].stores.audit.recent(1);
  return { ...comparable(answer), ran: runs.slice(before), row };
}

/** A sealed state is new every time; everything else has to be the same. */
function comparable(answer: RawAnswer) {
  const body = answer.body.replace(/"requestState":"[^"]+"/, '"requestState":"sealed"');
  return { ...answer, body };
}

function singleHeaders(request: RawRequest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
