import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, type JWK, SignJWT, exportJWK, generateKeyPair } from 'jose';

/** What an introspection answers, besides `active`. */
type Introspected = Readonly<Record<string, unknown>>;

/** An authorization server that is not ours: metadata, keys and introspection, with switches for what goes wrong. */
export interface MockIssuer {
  readonly issuer: string;
  /** What is put over the metadata document; a field of the value undefined is left out. */
  metadata: Record<string, unknown>;
  /** Every endpoint answers 503. */
  isDown: boolean;
  /** Requests by path. */
  readonly requests: Map<string, number>;
  /** Opaque tokens that are active. */
  readonly active: Map<string, Introspected>;
  /** The `Authorization` headers and bodies that introspection was asked with. */
  readonly introspections: { readonly authorization: string | undefined; readonly body: string }[];
  /** What introspection takes as `Authorization`; undefined: anything. */
  credentials: string | undefined;
  /** Publishes a new key, and signs with it from now on. */
  rotate(options?: { readonly isPublished?: boolean }): Promise<void>;
  /** Publishes what {@link rotate} kept back. */
  publish(): void;
  sign(
    claims: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
  ): Promise<string>;
  count(path: string): number;
  close(): Promise<void>;
}

/** @param path - path of the issuer, such as `/realms/staff` */
export async function startMockIssuer(path = ''): Promise<MockIssuer> {
  let signing: { readonly key: CryptoKey; readonly kid: string };
  let published: JWK[] = [];
  const all: JWK[] = [];
  const server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://mock');
    mock.requests.set(pathname, mock.count(pathname) + 1);
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      if (mock.isDown) return send(503, { error: 'down' });
      if (pathname === `${path}/.well-known/openid-configuration`) return send(200, document());
      if (pathname === `${path}/keys`) return send(200, { keys: published });
      if (pathname !== `${path}/introspect`) return send(404, { error: 'not_found' });
      const { authorization } = request.headers;
      mock.introspections.push({ authorization, body });
      if (mock.credentials !== undefined && mock.credentials !== authorization) {
        return send(401, { error: 'invalid_client' });
      }
      const found = mock.active.get(new URLSearchParams(body).get('token') ?? '');
      return send(200, found === undefined ? { active: false } : { active: true, ...found });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}${path}`;

  const document = (): Record<string, unknown> => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/keys`,
    introspection_endpoint: `${issuer}/introspect`,
    code_challenge_methods_supported: ['S256'],
    ...mock.metadata,
  });
  const mock: MockIssuer = {
    issuer,
    metadata: {},
    isDown: false,
    requests: new Map(),
    active: new Map(),
    introspections: [],
    credentials: undefined,
    async rotate({ isPublished = true } = {}) {
      const pair = await generateKeyPair('RS256');
      const kid = `key-${all.length + 1}`;
      all.push({ ...(await exportJWK(pair.publicKey)), kid, alg: 'RS256', use: 'sig' });
      signing = { key: pair.privateKey, kid };
      if (isPublished) this.publish();
    },
    publish() {
      published = [...all];
    },
    sign(claims, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ iss: issuer, iat: now, exp: now + 600, ...claims })
        .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: signing.kid, ...header })
        .sign(signing.key);
    },
    count: (asked) => mock.requests.get(asked) ?? 0,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await mock.rotate();
  return mock;
}
