import { createHash } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import { z } from 'zod';

type Json = Record<string, unknown>;

/** What a test may change of the fake, before or between requests. */
interface FakeBehaviour {
  /** Seconds. */
  accessTokenTtl: number;
  challengeScope: string | undefined;
  /** Scope that the tool `write_note` needs. */
  writeScope: string;
  resourceMetadata: Json;
  serverMetadata: Json;
  /** `iss` of authorization responses; null leaves it out. */
  iss: string | null;
  /** Changes the query that goes to the callback. */
  answer: (params: URLSearchParams) => void;
  /** Takes over the token endpoint: true when it has answered. */
  onToken: (params: URLSearchParams, res: ServerResponse) => boolean | Promise<boolean>;
  /** Answers a repeated refresh with the same response, as the project's own server does. */
  replays: boolean;
  onRegister: (body: Json, res: ServerResponse) => boolean;
}

export interface FakeServer {
  readonly origin: string;
  readonly mcp: string;
  readonly behaviour: FakeBehaviour;
  /** Requests, `METHOD /path`, in order. */
  readonly log: readonly string[];
  readonly counts: {
    refreshes: number;
    reuses: number;
    registrations: number;
    authorizations: number;
  };
  readonly revoked: readonly string[];
  /** Headers of the last MCP request. */
  readonly lastMcpHeaders: () => IncomingMessage['headers'];
  /** Parameters of the last authorization request. */
  readonly lastAuthorization: () => URLSearchParams;
  /** Makes every access token useless that was issued so far. */
  rejectAccessTokens(): void;
  close(): Promise<void>;
}

/**
 * A fake authorization server and a fake gate before a real MCP server, in one process: strict about refresh tokens
 * (one use, reuse ends the family), and wrong in whatever way a test wants.
 */
export async function startFakeServer(): Promise<FakeServer> {
  const state = new FakeState();
  const mcp = toNodeHandler(createMcpHandler(() => buildMcpServer()));
  const server = createServer((req, res) => {
    state
      .handle(req, res, (body) => mcp(req as never, res, body))
      .catch((error: unknown) => {
        res.writeHead(500).end(String(error));
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  state.start(`http://127.0.0.1:${port}`);
  return {
    origin: state.origin,
    mcp: `${state.origin}/mcp`,
    behaviour: state.behaviour,
    log: state.log,
    counts: state.counts,
    revoked: state.revoked,
    lastMcpHeaders: () => state.lastMcpHeaders,
    lastAuthorization: () => state.lastAuthorization,
    rejectAccessTokens: () => state.accessTokens.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A browser that signs in at once, as whoever is asked. */
export async function fakeBrowser(url: URL): Promise<void> {
  const response = await fetch(url, { redirect: 'manual' });
  const location = response.headers.get('location');
  if (location !== null) await fetch(location);
}

class FakeState {
  origin = '';
  behaviour!: FakeBehaviour;
  readonly log: string[] = [];
  readonly counts = { refreshes: 0, reuses: 0, registrations: 0, authorizations: 0 };
  readonly revoked: string[] = [];
  lastMcpHeaders: IncomingMessage['headers'] = {};
  lastAuthorization = new URLSearchParams();
  /** Access token to its scope and end (ms). */
  readonly accessTokens = new Map<string, { scope: string; endsAt: number }>();
  readonly #codes = new Map<string, URLSearchParams>();
  readonly #refreshTokens = new Map<string, { scope: string; spent?: Json }>();
  #isFamilyDead = false;
  #serial = 0;

  start(origin: string): void {
    this.origin = origin;
    this.behaviour = {
      accessTokenTtl: 3600,
      challengeScope: 'notes:read',
      writeScope: 'notes:write',
      resourceMetadata: {
        resource: `${origin}/mcp`,
        authorization_servers: [origin],
        scopes_supported: ['notes:read', 'notes:write'],
      },
      serverMetadata: {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        registration_endpoint: `${origin}/register`,
        revocation_endpoint: `${origin}/revoke`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['none'],
        authorization_response_iss_parameter_supported: true,
      },
      iss: origin,
      answer: () => undefined,
      onToken: () => false,
      onRegister: () => false,
      replays: false,
    };
  }

  async handle(
    req: IncomingMessage,
    res: ServerResponse,
    serveMcp: (body: unknown) => Promise<void>,
  ): Promise<void> {
    const url = new URL(req.url ?? '/', this.origin);
    this.log.push(`${req.method} ${url.pathname}`);
    const text = await readBody(req);
    switch (url.pathname) {
      case '/mcp':
        return this.#gate(req, res, text, serveMcp);
      case '/.well-known/oauth-protected-resource/mcp':
        return json(res, 200, this.behaviour.resourceMetadata);
      case '/.well-known/oauth-authorization-server':
        return json(res, 200, this.behaviour.serverMetadata);
      case '/register':
        return this.#register(JSON.parse(text) as Json, res);
      case '/authorize':
        return this.#authorize(url.searchParams, res);
      case '/token':
        return this.#token(new URLSearchParams(text), res);
      case '/revoke':
        this.revoked.push(new URLSearchParams(text).get('token') ?? '');
        return json(res, 200, {});
      default:
        return json(res, 404, {});
    }
  }

  async #gate(
    req: IncomingMessage,
    res: ServerResponse,
    text: string,
    serveMcp: (body: unknown) => Promise<void>,
  ): Promise<void> {
    this.lastMcpHeaders = req.headers;
    const body = text === '' ? undefined : (JSON.parse(text) as Json);
    if (req.headers['x-api-key'] === 'key-that-is-good') return serveMcp(body);
    const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1] ?? '';
    const known = this.accessTokens.get(token);
    const metadata = `resource_metadata="${this.origin}/.well-known/oauth-protected-resource/mcp"`;
    if (known === undefined || known.endsAt < Date.now()) {
      const scope = this.behaviour.challengeScope;
      const scopePart = scope === undefined ? '' : `scope="${scope}", `;
      res.setHeader('www-authenticate', `Bearer ${scopePart}${metadata}`);
      return json(res, 401, {});
    }
    const params = body?.['params'] as Json | undefined;
    if (params?.['name'] === 'write_note' && !known.scope.includes(this.behaviour.writeScope)) {
      const need = `error="insufficient_scope", scope="${this.behaviour.writeScope}"`;
      res.setHeader('www-authenticate', `Bearer ${need}, ${metadata}`);
      return json(res, 403, {});
    }
    return serveMcp(body);
  }

  #register(body: Json, res: ServerResponse): void {
    this.counts.registrations++;
    if (this.behaviour.onRegister(body, res)) return;
    json(res, 201, { ...body, client_id: `client-${this.counts.registrations}` });
  }

  #authorize(params: URLSearchParams, res: ServerResponse): void {
    this.counts.authorizations++;
    this.lastAuthorization = params;
    const code = `code-${++this.#serial}`;
    this.#codes.set(code, params);
    const target = new URL(params.get('redirect_uri') ?? '');
    const answer = new URLSearchParams({ code, state: params.get('state') ?? '' });
    if (this.behaviour.iss !== null) answer.set('iss', this.behaviour.iss);
    this.behaviour.answer(answer);
    target.search = answer.toString();
    res.writeHead(302, { location: target.href }).end();
  }

  async #token(params: URLSearchParams, res: ServerResponse): Promise<void> {
    if (await this.behaviour.onToken(params, res)) return;
    if (params.get('grant_type') === 'refresh_token') return this.#refresh(params, res);
    const asked = this.#codes.get(params.get('code') ?? '');
    this.#codes.delete(params.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(params.get('code_verifier') ?? '')
      .digest('base64url');
    const isRight =
      asked?.get('code_challenge') === challenge &&
      asked.get('redirect_uri') === params.get('redirect_uri') &&
      asked.get('resource') === params.get('resource');
    if (!isRight) return json(res, 400, { error: 'invalid_grant' });
    this.#isFamilyDead = false;
    json(res, 200, this.#issue(asked.get('scope') ?? ''));
  }

  #refresh(params: URLSearchParams, res: ServerResponse): void {
    const known = this.#refreshTokens.get(params.get('refresh_token') ?? '');
    if (known === undefined || this.#isFamilyDead)
      return json(res, 400, { error: 'invalid_grant' });
    if (known.spent !== undefined) {
      if (this.behaviour.replays) return json(res, 200, known.spent);
      this.counts.reuses++;
      this.#isFamilyDead = true;
      return json(res, 400, { error: 'invalid_grant', error_description: 'reuse' });
    }
    this.counts.refreshes++;
    known.spent = this.#issue(known.scope);
    json(res, 200, known.spent);
  }

  #issue(scope: string): Json {
    const serial = ++this.#serial;
    const ttl = this.behaviour.accessTokenTtl;
    this.accessTokens.set(`secret-access-${serial}`, { scope, endsAt: Date.now() + ttl * 1000 });
    this.#refreshTokens.set(`secret-refresh-${serial}`, { scope });
    return {
      access_token: `secret-access-${serial}`,
      token_type: 'Bearer',
      expires_in: ttl,
      refresh_token: `secret-refresh-${serial}`,
      scope,
    };
  }
}

function reply(text: string): { content: { type: 'text'; text: string }[] } {
  return { content: [{ type: 'text', text }] };
}

function buildMcpServer(): McpServer {
  const server = new McpServer({ name: 'fake-notes', version: '1.0.0' });
  server.registerTool(
    'echo',
    {
      description: 'Says a text again.',
      inputSchema: z.object({ text: z.string(), times: z.number().optional() }),
    },
    ({ text, times = 1 }) => reply(Array.from({ length: times }, () => text).join(' ')),
  );
  server.registerTool(
    'write_note',
    { description: 'Writes a note.', inputSchema: z.object({ text: z.string() }) },
    () => reply('written'),
  );
  server.registerTool('fail', { description: 'Always fails.', inputSchema: z.object({}) }, () => ({
    ...reply('the disk is full'),
    isError: true,
  }));
  return server;
}

async function readBody(req: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of req.setEncoding('utf8')) text += chunk as string;
  return text;
}

export function json(res: ServerResponse, status: number, body: Json): void {
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(body));
}
