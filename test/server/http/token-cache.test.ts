import { describe, expect, it, vi } from 'vitest';
import type { AccessTokenVerifier, TokenRejection } from '../../../src/oauth/access-token.js';
import { credentialIdOfJti } from '../../../src/shared/credential-id.js';
import { err, ok } from '../../../src/shared/result.js';
import { createTokenCache } from '../../../src/server/http/token-cache.js';

const NOW = 1_800_000_000;

function setUp(
  options: { identity?: string; expiresAt?: number; rejection?: TokenRejection } = {},
) {
  let nowMs = NOW * 1000;
  const revoked = new Set<string>();
  const revocations = {
    epoch: 0,
    isRevoked: (id: string | undefined) => id !== undefined && revoked.has(id),
    ready: vi.fn<() => Promise<void>>(async () => undefined),
    refresh: async () => undefined,
    subscribe: () => () => undefined,
    close: () => undefined,
  };
  const verify = vi.fn<AccessTokenVerifier>(async () =>
    options.rejection === undefined
      ? ok({
          identity: options.identity ?? 'local',
          subject: 'ada',
          clientId: 'app',
          tenant: 'acme',
          scopes: ['a'],
          expiresAt: options.expiresAt ?? NOW + 600,
          isMachine: false,
          tokenId: 'the-jti',
        })
      : err(options.rejection),
  );
  const lookups: string[] = [];
  const cache = createTokenCache({
    verify,
    revocations,
    clock: { nowMs: () => nowMs },
    onLookup: (outcome) => lookups.push(outcome),
  });
  return {
    cache,
    verify,
    revocations,
    lookups,
    advance: (seconds: number) => {
      nowMs += seconds * 1000;
    },
    revoke: (jti = 'the-jti') => {
      revoked.add(credentialIdOfJti(jti));
      revocations.epoch += 1;
    },
    removeKey: (kid: string) => {
      revoked.add(`signing-key:${kid}`);
      revocations.epoch += 1;
    },
  };
}

const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'the-key' })).toString('base64url');
const SIGNED = `${header}.e30.signature`;

describe('tokens of a signing key that was removed', () => {
  it('are refused at once, known or new, whatever their own id is', async () => {
    const { cache, removeKey } = setUp();
    const before = await cache.verify(SIGNED);
    expect(before).toMatchObject({ ok: true, value: { signedWith: 'signing-key:the-key' } });
    removeKey('another-key');
    expect(cache.find(SIGNED)).toBeDefined();
    removeKey('the-key');

    expect(cache.find(SIGNED)).toBeUndefined();
    expect(await cache.verify(SIGNED)).toEqual(err('revoked'));
  });

  it('of another issuer have keys of their own', async () => {
    const { cache, removeKey } = setUp({ identity: 'https://other.example' });
    removeKey('the-key');

    expect((await cache.verify(SIGNED)).ok).toBe(true);
  });
});

describe('the cache of verified tokens', () => {
  it('gives the same principal again, at once, without verifying', async () => {
    const { cache, verify, lookups } = setUp();
    expect(cache.find('token')).toBeUndefined();
    const first = await cache.verify('token');
    expect(cache.find('token')).toBe(first);
    expect(cache.find('token')).toBe(first);
    expect(verify).toHaveBeenCalledTimes(1);
    expect(lookups).toEqual(['miss', 'hit', 'hit']);
  });

  it.each([
    ['60 seconds', NOW + 600, 60],
    ['its expiry', NOW + 10, 10],
  ])('forgets a token at %s', async (_name, expiresAt, seconds) => {
    const { cache, advance } = setUp({ expiresAt });
    await cache.verify('token');
    advance(seconds - 1);
    expect(cache.find('token')).toBeDefined();
    advance(1);
    expect(cache.find('token')).toBeUndefined();
  });

  it('forgets a token as soon as its revocation is known, and does not take it again', async () => {
    const { cache, revoke } = setUp();
    await cache.verify('token');
    revoke();
    expect(cache.find('token')).toBeUndefined();
    expect(await cache.verify('token')).toEqual({ ok: false, error: 'revoked' });
    expect(cache.find('token')).toBeUndefined();
  });

  it('keeps a token through the revocation of another one, and compares once for it', async () => {
    const { cache, revoke, revocations } = setUp();
    await cache.verify('token');
    const isRevoked = vi.spyOn(revocations, 'isRevoked');
    revoke('another');
    expect(cache.find('token')).toBeDefined();
    expect(cache.find('token')).toBeDefined();
    expect(isRevoked).toHaveBeenCalledTimes(1);
  });

  it('does not keep a token that is revoked while it is being verified', async () => {
    const { cache, revoke, revocations } = setUp();
    revocations.ready.mockImplementationOnce(async () => revoke());
    expect(await cache.verify('token')).toEqual({ ok: false, error: 'revoked' });
    expect(cache.find('token')).toBeUndefined();
  });

  it('does not let an id of another issuer meet the ids of our own feed', async () => {
    const { cache, revoke } = setUp({ identity: 'https://as.example' });
    revoke();
    expect((await cache.verify('token')).ok).toBe(true);
  });

  it('does not blame the token when it cannot be known whether it was revoked', async () => {
    const { cache, revocations } = setUp();
    revocations.ready.mockRejectedValueOnce(new Error('down'));
    expect(await cache.verify('token')).toEqual({ ok: false, error: 'revocations_unavailable' });
    expect((await cache.verify('token')).ok).toBe(true);
  });

  it('verifies a token once that many requests bring at the same time', async () => {
    const { cache, verify } = setUp();
    await Promise.all([cache.verify('token'), cache.verify('token'), cache.verify('token')]);
    expect(verify).toHaveBeenCalledTimes(1);
  });

  it('remembers for five seconds that a token is not active, and no other refusal', async () => {
    const inactive = setUp({ rejection: 'inactive' });
    await inactive.cache.verify('token');
    await inactive.cache.verify('token');
    expect(inactive.verify).toHaveBeenCalledTimes(1);
    inactive.advance(5);
    await inactive.cache.verify('token');
    expect(inactive.verify).toHaveBeenCalledTimes(2);
    const away = setUp({ rejection: 'introspection_unavailable' });
    await away.cache.verify('token');
    await away.cache.verify('token');
    expect(away.verify).toHaveBeenCalledTimes(2);
  });

  it('holds 10,000 tokens, the least recently used go first', async () => {
    const { cache } = setUp();
    for (let at = 0; at < 10_000; at++) await cache.verify(`token-${at}`);
    expect(cache.find('token-0')).toBeDefined();
    await cache.verify('one-more');
    expect(cache.find('token-0')).toBeDefined();
    expect(cache.find('token-1')).toBeUndefined();
  });
});
