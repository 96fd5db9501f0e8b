import { describe, expect, it } from 'vitest';
import type { Federation } from '../../../src/authorization/federation/federation.js';
import { resolveProvider } from '../../../src/authorization/federation/provider.js';
import { upstreamTokenSource } from '../../../src/authorization/federation/token-source.js';
import { err, ok } from '../../../src/shared/result.js';

const google = resolveProvider({
  id: 'google',
  profile: 'google',
  clientId: 'c',
  keepTokens: true,
});

function federation(changes: Partial<Federation> = {}): Federation {
  return {
    providers: [google],
    providerOf: async (userId: string) => (userId === 'ines' ? google : undefined),
    tokenOf: async () =>
      ok({
        accessToken: 'upstream',
        refreshToken: 'never shown',
        idToken: undefined,
        scope: 'openid email',
        expiresAt: 2000,
      }),
    ...changes,
  } as Federation;
}

describe('kept tokens for token exchange', () => {
  it('are the access token alone, of the provider that the person came through', async () => {
    const source = upstreamTokenSource(federation());
    const expected = { accessToken: 'upstream', scopes: ['openid', 'email'], expiresAt: 2000 };
    expect(await source?.find({ userId: 'ines', audience: undefined })).toEqual(expected);
    expect(await source?.find({ userId: 'ines', audience: 'google' })).toEqual(expected);
  });

  it.each([
    ['another provider', { userId: 'ines', audience: 'github' }],
    ['somebody who came through none', { userId: 'otto', audience: undefined }],
  ])('are not there for %s', async (_name, request) => {
    expect(await upstreamTokenSource(federation())?.find(request)).toBeUndefined();
  });

  it('are not there when the provider has ended them', async () => {
    const source = upstreamTokenSource(federation({ tokenOf: async () => err('ended') }));
    expect(await source?.find({ userId: 'ines', audience: undefined })).toBeUndefined();
  });

  it('cannot be had where no provider keeps any', () => {
    const providers = [{ ...google, keepTokens: false }];
    expect(upstreamTokenSource(federation({ providers }))).toBeUndefined();
  });
});
