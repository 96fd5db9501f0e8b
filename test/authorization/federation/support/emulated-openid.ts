import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type JWK, SignJWT, exportJWK, generateKeyPair, importJWK } from 'jose';
import { Provider, errors } from 'oidc-provider';
import { type EmulatedNet, json } from './emulated-net.js';

const CLIENT_ID = 'our-client';
const CLIENT_SECRET = 'our-secret';

/** What an emulated provider does differently from a plain OpenID provider. */
export interface OpenIdQuirks {
  /** When a sign-in gets a refresh token. */
  readonly refreshToken: (request: URLSearchParams) => boolean;
  /** Metadata that differs; undefined takes a member away. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Where the metadata is, when not under the issuer. */
  readonly metadataUrl?: string;
  /** Refuses an authorization request: the description of why. */
  readonly refuse?: (request: URLSearchParams) => string | undefined;
  /** Changes an answer of the token endpoint. */
  readonly tokenAnswer?: (
    answer: Record<string, unknown>,
    request: URLSearchParams,
    status: number,
  ) => { readonly body: Record<string, unknown>; readonly status?: number };
  /** Answers a path that the engine does not know. */
  readonly extra?: (request: Request) => Response | undefined;
  readonly idTokenClaims?: Readonly<Record<string, unknown>>;
  readonly userInfoClaims?: Readonly<Record<string, unknown>>;
  readonly authMethod: 'client_secret_basic' | 'client_secret_post';
  /** Leaves `iss` out of the answer to the browser (RFC 9207 is not known there). */
  readonly omitsIss?: boolean;
  /** Host of the endpoints, where it is not that of the issuer. */
  readonly host?: string;
}

/** As much of a store as one test needs. */
class MapAdapter {
  static readonly rows = new Map<string, Record<string, unknown>>();
  readonly #model: string;
  constructor(model: string) {
    this.#model = model;
  }
  async upsert(id: string, payload: Record<string, unknown>): Promise<void> {
    MapAdapter.rows.set(`${this.#model} ${id}`, payload);
  }
  async find(id: string): Promise<Record<string, unknown> | undefined> {
    return MapAdapter.rows.get(`${this.#model} ${id}`);
  }
  async findByUid(uid: string): Promise<Record<string, unknown> | undefined> {
    return [...MapAdapter.rows.values()].find((row) => row['uid'] === uid);
  }
  async consume(id: string): Promise<void> {
    const row = MapAdapter.rows.get(`${this.#model} ${id}`);
    if (row !== undefined) row['consumed'] = Math.floor(Date.now() / 1000);
  }
  async destroy(id: string): Promise<void> {
    MapAdapter.rows.delete(`${this.#model} ${id}`);
  }
  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [id, row] of MapAdapter.rows)
      if (row['grantId'] === grantId) MapAdapter.rows.delete(id);
  }
}

let key: Promise<JWK> | undefined;
function signingKey(): Promise<JWK> {
  key ??= generateKeyPair('RS256', { extractable: true }).then(async ({ privateKey }) => ({
    ...(await exportJWK(privateKey)),
    kid: 'upstream',
    alg: 'RS256',
    use: 'sig',
  }));
  return key;
}

/** An OpenID provider under its real address, on a real engine, with the quirks of one vendor. */
export class EmulatedOpenId {
  readonly issuer: string;
  readonly clientId = CLIENT_ID;
  readonly clientSecret = CLIENT_SECRET;
  /** Who signs in next. */
  subject = 'person-1';
  /** Whether the person turns back. */
  isCancelling = false;
  /** Whether refresh tokens are refused from now on. */
  isRevoked = false;
  refreshes = 0;
  readonly revoked: string[] = [];
  readonly #provider: Provider;
  readonly #quirks: OpenIdQuirks;
  readonly #basePath: string;
  readonly #origin: string;
  #server: Server | undefined;
  #port = 0;
  #lastRequest = new URLSearchParams();

  private constructor(issuer: string, quirks: OpenIdQuirks, provider: Provider) {
    this.issuer = issuer;
    this.#quirks = quirks;
    this.#provider = provider;
    const url = new URL(issuer);
    this.#basePath = url.pathname.replace(/\/$/, '');
    this.#origin = `https://${quirks.host ?? url.host}`;
  }

  static async start(
    issuer: string,
    quirks: OpenIdQuirks,
    net: EmulatedNet,
  ): Promise<EmulatedOpenId> {
    let emulated: EmulatedOpenId | undefined;
    const provider = new Provider(issuer, {
      jwks: { keys: [await signingKey()] },
      clients: [
        {
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
          redirect_uris: ['https://registered.example/idp/callback'],
          post_logout_redirect_uris: ['https://registered.example/account/signed-out'],
          token_endpoint_auth_method: quirks.authMethod,
          grant_types: ['authorization_code', 'refresh_token'],
        },
      ],
      scopes: ['openid', 'profile', 'email', 'groups', 'offline_access', 'refresh_token'],
      conformIdTokenClaims: false,
      claims: {
        openid: ['sub', ...Object.keys({ ...quirks.idTokenClaims, ...quirks.userInfoClaims })],
      },
      features: {
        devInteractions: { enabled: false },
        rpInitiatedLogout: { enabled: true },
        revocation: { enabled: true, allowedPolicy: () => true },
      },
      cookies: { keys: ['emulated'] },
      adapter: MapAdapter as never,
      issueRefreshToken: () => quirks.refreshToken(emulated?.lastRequest ?? new URLSearchParams()),
      rotateRefreshToken: true,
      interactions: { url: (_ctx, { uid }) => `/emulated-sign-in/${uid}` },
      findAccount: (_ctx, id) => ({
        accountId: id,
        claims: (use) => ({
          ...(use === 'userinfo' ? quirks.userInfoClaims : quirks.idTokenClaims),
          sub: id,
        }),
      }),
      ttl: {
        AccessToken: 3600,
        Session: 600,
        Interaction: 600,
        Grant: 86_400,
        IdToken: 3600,
        RefreshToken: 86_400,
      },
    });
    provider.proxy = true;
    // The port of the server under test is not known when its client is registered here.
    const { prototype } = provider.Client;
    prototype.redirectUriAllowed = (uri) => new URL(uri).pathname.endsWith('/idp/callback');
    prototype.postLogoutRedirectUriAllowed = (uri) => uri.endsWith('/account/signed-out');
    emulated = new EmulatedOpenId(issuer, quirks, provider);
    await emulated.#listen(net);
    return emulated;
  }

  get lastRequest(): URLSearchParams {
    return this.#lastRequest;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  /** The person at the provider's page. @returns where the browser is sent back to */
  async visit(url: string): Promise<string> {
    this.#lastRequest = new URL(url).searchParams;
    const cookies = new Map<string, string>();
    let at = url;
    for (let hop = 0; hop < 8; hop++) {
      const response = await this.#forward(
        new Request(at, {
          headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        }),
      );
      for (const line of response.headers.getSetCookie()) {
        const [pair = ''] = line.split(';');
        cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
      }
      const location = response.headers.get('location');
      if (location === null)
        throw new Error(`the provider answered ${response.status}: ${await response.text()}`);
      const next = new URL(location, at);
      if (next.host !== new URL(at).host) {
        if (this.#quirks.omitsIss === true) next.searchParams.delete('iss');
        return next.href;
      }
      at = next.href;
    }
    throw new Error('the provider sent the browser in circles');
  }

  async logoutToken(
    subject: string,
    changes: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    return new SignJWT({
      iss: this.issuer,
      aud: CLIENT_ID,
      sub: subject,
      jti: crypto.randomUUID(),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      ...changes,
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'upstream', typ: 'logout+jwt' })
      .setIssuedAt()
      .setExpirationTime('2m')
      .sign(await importJWK(await signingKey(), 'RS256'));
  }

  async #listen(net: EmulatedNet): Promise<void> {
    const callback = this.#provider.callback();
    const server = createServer((request, response) => {
      void (async () => {
        request.headers.host = new URL(this.#origin).host;
        request.headers['x-forwarded-proto'] = 'https';
        const path = request.url ?? '/';
        if (path.includes('/emulated-sign-in/')) {
          await this.#signIn(request, response);
          return;
        }
        Object.assign(request, {
          originalUrl: path,
          url: path.slice(this.#basePath.length) || '/',
        });
        await callback(request, response);
      })();
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    for (const host of new Set([new URL(this.issuer).host, new URL(this.#origin).host])) {
      net.add(host, (request) => this.#answer(request));
    }
  }

  async #signIn(
    request: Parameters<Provider['interactionDetails']>[0],
    response: Parameters<Provider['interactionDetails']>[1],
  ) {
    const details = await this.#provider.interactionDetails(request, response);
    if (this.isCancelling) {
      await this.#provider.interactionFinished(request, response, { error: 'access_denied' });
      return;
    }
    const grant = new this.#provider.Grant({ accountId: this.subject, clientId: CLIENT_ID });
    grant.addOIDCScope(String(details.params['scope']));
    await this.#provider.interactionFinished(request, response, {
      login: { accountId: this.subject },
      consent: { grantId: await grant.save() },
    });
  }

  /** What another server asks this one. */
  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const extra = this.#quirks.extra?.(request);
    if (extra !== undefined) return extra;
    const metadataUrl =
      this.#quirks.metadataUrl ??
      `${this.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    if (request.url === metadataUrl) return this.#metadata();
    if (url.pathname === `${this.#basePath}/token`) return this.#token(request);
    if (url.pathname === `${this.#basePath}/token/revocation`) {
      this.revoked.push(new URLSearchParams(await request.clone().text()).get('token') ?? '');
    }
    return this.#forward(request);
  }

  async #metadata(): Promise<Response> {
    const response = await this.#forward(
      new Request(`${this.#origin}${this.#basePath}/.well-known/openid-configuration`),
    );
    const metadata = {
      ...((await response.json()) as object),
      ...(this.#quirks.omitsIss === true
        ? { authorization_response_iss_parameter_supported: undefined }
        : {}),
      ...this.#quirks.metadata,
    };
    return json(metadata);
  }

  async #token(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.clone().text());
    if (form.has('resource') && this.#quirks.refuse !== undefined) {
      return json({ error: 'invalid_request' }, 400);
    }
    const isRefresh = form.get('grant_type') === 'refresh_token';
    if (isRefresh) this.refreshes++;
    const response =
      isRefresh && this.isRevoked
        ? json({ error: 'invalid_grant' }, 400)
        : await this.#forward(request);
    const answer = (await response.json()) as Record<string, unknown>;
    const changed = this.#quirks.tokenAnswer?.(answer, form, response.status) ?? { body: answer };
    return json(changed.body, changed.status ?? response.status);
  }

  /** Over a real connection to the engine, which believes to be at its own address. */
  async #forward(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const refusal =
      url.pathname === `${this.#basePath}/auth`
        ? this.#quirks.refuse?.(url.searchParams)
        : undefined;
    if (refusal !== undefined) throw new errors.InvalidRequest(refusal);
    const body = request.method === 'POST' ? await request.text() : undefined;
    return fetch(`http://127.0.0.1:${this.#port}${url.pathname}${url.search}`, {
      method: request.method,
      headers: request.headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    });
  }
}
