import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

export const IDP_CLIENT_ID = 'catalog';
export const IDP_SECRET = 'secret-of-the-identity-provider';

export interface LoopbackIdp {
  readonly issuer: string;
  /** Seconds that its access tokens live. */
  readonly lifetimeSeconds: number;
  readonly refreshes: () => number;
  /** Refuses refresh tokens from now on. */
  signOutEverywhere(): void;
  close(): Promise<void>;
}

/** Rows of one provider: everything at one place, so that it can be emptied. */
function mapAdapter(rows: Map<string, Record<string, unknown>>) {
  return class {
    readonly #model: string;
    constructor(model: string) {
      this.#model = model;
    }
    async upsert(id: string, payload: Record<string, unknown>): Promise<void> {
      rows.set(`${this.#model} ${id}`, payload);
    }
    async find(id: string): Promise<Record<string, unknown> | undefined> {
      return rows.get(`${this.#model} ${id}`);
    }
    async findByUid(uid: string): Promise<Record<string, unknown> | undefined> {
      return [...rows.values()].find((row) => row['uid'] === uid);
    }
    async consume(id: string): Promise<void> {
      Object.assign(rows.get(`${this.#model} ${id}`) ?? {}, { consumed: 1 });
    }
    async destroy(id: string): Promise<void> {
      rows.delete(`${this.#model} ${id}`);
    }
    async revokeByGrantId(grantId: string): Promise<void> {
      for (const [id, row] of rows) if (row['grantId'] === grantId) rows.delete(id);
    }
  };
}

/** A real identity provider on this machine. It signs everybody in as Ines Duarte of north.example, without asking. */
export async function startLoopbackIdp(
  options: { readonly lifetimeSeconds?: number; readonly email?: string } = {},
): Promise<LoopbackIdp> {
  const { lifetimeSeconds = 3600, email = 'ines@north.example' } = options;
  const rows = new Map<string, Record<string, unknown>>();
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  let handle: ((...args: Parameters<ReturnType<Provider['callback']>>) => unknown) | undefined;
  const server = createServer((request, response) => void handle?.(request, response));
  const issuer = await listen(server);
  let refreshes = 0;
  const provider = new Provider(issuer, {
    adapter: mapAdapter(rows) as never,
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'idp' }] },
    clients: [
      {
        client_id: IDP_CLIENT_ID,
        client_secret: IDP_SECRET,
        redirect_uris: ['https://registered.example/idp/callback'],
        post_logout_redirect_uris: ['https://registered.example/account/signed-out'],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
    cookies: { keys: ['loopback'] },
    issueRefreshToken: (_ctx, _client, code) => code.scopes.has('offline_access'),
    interactions: { url: (_ctx, { uid }) => `/sign-in/${uid}` },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: 'Ines Duarte', email, email_verified: true }),
    }),
    ttl: {
      AccessToken: lifetimeSeconds,
      Session: 600,
      Interaction: 600,
      Grant: 86_400,
      IdToken: 3600,
      RefreshToken: 86_400,
    },
  });
  // The server under test takes any port.
  provider.Client.prototype.redirectUriAllowed = (uri) => uri.endsWith('/idp/callback');
  provider.Client.prototype.postLogoutRedirectUriAllowed = (uri) =>
    uri.endsWith('/account/signed-out');
  const callback = provider.callback();
  handle = async (request, response) => {
    if (request.url?.startsWith('/sign-in/') !== true) {
      if (request.url === '/token') refreshes++;
      await callback(request, response);
      return;
    }
    const details = await provider.interactionDetails(request, response);
    const grant = new provider.Grant({ accountId: 'ines', clientId: IDP_CLIENT_ID });
    grant.addOIDCScope(String(details.params['scope']));
    const consent = { grantId: await grant.save() };
    await provider.interactionFinished(request, response, {
      login: { accountId: 'ines' },
      consent,
    });
  };
  return {
    issuer,
    lifetimeSeconds,
    refreshes: () => refreshes,
    signOutEverywhere() {
      for (const id of rows.keys()) if (id.startsWith('RefreshToken ')) rows.delete(id);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}
