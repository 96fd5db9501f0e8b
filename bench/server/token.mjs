// What it costs to know a token again: measured in this process, compared with the CPU time of a whole request.
import { createAccessTokenVerifier } from '../../dist/oauth/access-token.js';
import { createTokenCache } from '../../dist/server/http/token-cache.js';
import { systemClock } from '../../dist/shared/clock.js';
import { signedToken } from './targets.mjs';

const LOOKUPS = 100_000;
const RESOURCE = 'http://localhost/mcp';

/**
 * @param {number} requestUs - CPU time of a call of ours
 * @param {number} rounds
 */
export async function measureTokenCache(requestUs, rounds) {
  const { trustedIssuer, token } = await signedToken(RESOURCE);
  const options = { trustedIssuers: [trustedIssuer], resource: RESOURCE, clock: systemClock };
  const cache = createTokenCache({
    verify: createAccessTokenVerifier(options),
    revocations: undefined,
    clock: systemClock,
  });
  const costs = [];
  for (let round = 0; round <= rounds; round++) {
    if (!(await cache.verify(token)).ok) throw new Error('the token of the bench is refused');
    const before = process.cpuUsage();
    for (let at = 0; at < LOOKUPS; at++) {
      if (cache.find(token) === undefined) throw new Error('the token was forgotten');
    }
    const { user, system } = process.cpuUsage(before);
    // The first round warms up.
    if (round > 0) costs.push((user + system) / LOOKUPS);
  }
  const us = costs.sort((a, b) => a - b)[Math.floor(costs.length / 2)];
  return { us, requestUs, share: us / requestUs };
}
