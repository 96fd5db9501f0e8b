import type { AuthorizationEvent } from '../../../../src/authorization/index.js';
import { type Federated, startFederated } from './federated.js';
import { EmulatedOpenId } from './emulated-openid.js';
import type { EmulatedNet } from './emulated-net.js';

export const ISSUER = 'https://id.example.com';

function startUpstream(net: EmulatedNet): Promise<EmulatedOpenId> {
  return EmulatedOpenId.start(
    ISSUER,
    {
      refreshToken: () => true,
      authMethod: 'client_secret_basic',
      userInfoClaims: { name: 'Ines Duarte', email: 'ines@north.example', email_verified: true },
    },
    net,
  );
}

/** Our server with one provider that keeps to the standard; people of `north.example` may come in. */
export function startPlain(
  provider: Partial<Parameters<typeof startFederated>[1]> = {},
  options: Parameters<typeof startFederated>[2] & { readonly events?: AuthorizationEvent[] } = {},
): Promise<Federated> {
  const { events = [], ...rest } = options;
  return startFederated(
    startUpstream,
    {
      profile: 'openid',
      issuer: ISSUER,
      allow: [{ domain: 'north.example', tenant: 'north' }],
      ...provider,
    },
    { onEvent: (event) => void events.push(event), ...rest },
  );
}
