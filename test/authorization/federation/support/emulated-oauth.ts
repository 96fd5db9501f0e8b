import { createHash } from 'node:crypto';
import { type EmulatedNet, json } from './emulated-net.js';

const CLIENT_ID = 'our-client';
const CLIENT_SECRET = 'our-secret';

export interface PlainOAuthQuirks {
  readonly host: string;
  readonly apiHost: string;
  readonly authorizePath: string;
  readonly tokenPath: string;
  /** How the client has to prove itself. */
  readonly authMethod: 'client_secret_basic' | 'client_secret_post';
  readonly isJson: boolean;
  /** Status and code of a refused token request. */
  readonly refusal: {
    readonly status: number;
    readonly code: string;
    readonly refreshCode: string;
  };
  readonly requiredHeader?: readonly [string, string];
  readonly expiresIn?: number;
  readonly hasRefreshTokens: boolean;
  readonly tokenExtras: (subject: string) => Record<string, unknown>;
  readonly api: (path: string, subject: string) => unknown;
  readonly revocation: { readonly method: string; readonly path: string; readonly member: string };
}

/** A provider of OAuth without OpenID Connect: codes, tokens, and an API that says who somebody is. */
export class EmulatedOAuth {
  readonly clientId = CLIENT_ID;
  readonly clientSecret = CLIENT_SECRET;
  subject = 'person-1';
  isCancelling = false;
  isRevoked = false;
  refreshes = 0;
  readonly revoked: string[] = [];
  lastRequest = new URLSearchParams();
  readonly #quirks: PlainOAuthQuirks;
  readonly #codes = new Map<string, { challenge: string | null; redirectUri: string | null }>();
  readonly #tokens = new Map<string, string>();
  readonly #refreshTokens = new Map<string, string>();

  constructor(quirks: PlainOAuthQuirks, net: EmulatedNet) {
    this.#quirks = quirks;
    net.add(quirks.host, (request) => this.#answer(request));
    if (quirks.apiHost !== quirks.host) net.add(quirks.apiHost, (request) => this.#answer(request));
  }

  async close(): Promise<void> {
    // Nothing listens.
  }

  async visit(url: string): Promise<string> {
    const { searchParams, pathname } = new URL(url);
    this.lastRequest = searchParams;
    if (pathname !== this.#quirks.authorizePath) throw new Error(`no page at ${pathname}`);
    const back = new URL(searchParams.get('redirect_uri') ?? '');
    back.searchParams.set('state', searchParams.get('state') ?? '');
    if (this.isCancelling) {
      back.searchParams.set('error', 'access_denied');
      return back.href;
    }
    const code = crypto.randomUUID();
    const redirectUri = searchParams.get('redirect_uri');
    this.#codes.set(code, { challenge: searchParams.get('code_challenge'), redirectUri });
    back.searchParams.set('code', code);
    return back.href;
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const { tokenPath, revocation, api } = this.#quirks;
    if (url.pathname === tokenPath && request.method === 'POST') return this.#token(request);
    if (url.pathname === revocation.path && request.method === revocation.method) {
      if (!this.#isOurs(request, {})) return json({ message: 'Bad credentials' }, 401);
      const body = (await request.json()) as Record<string, unknown>;
      this.revoked.push(String(body[revocation.member]));
      return new Response(null, { status: 204 });
    }
    const [, token = ''] = /^Bearer (.+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
    const subject = this.#tokens.get(token);
    if (subject === undefined) return json({ message: 'Bad credentials' }, 401);
    const found = api(url.pathname, subject);
    return found === undefined ? json({ message: 'Not Found' }, 404) : json(found);
  }

  async #token(request: Request): Promise<Response> {
    const { isJson, refusal, requiredHeader } = this.#quirks;
    const refuse = (error: string): Response => json({ error }, refusal.status);
    const text = await request.clone().text();
    const type = request.headers.get('content-type') ?? '';
    if (isJson !== type.startsWith('application/json')) return refuse('wrong content type');
    if (
      requiredHeader !== undefined &&
      request.headers.get(requiredHeader[0]) !== requiredHeader[1]
    ) {
      return refuse(`no ${requiredHeader[0]}`);
    }
    const form = (
      isJson ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text))
    ) as Record<string, string>;
    if (!this.#isOurs(request, form)) return refuse('incorrect_client_credentials');
    if (form['grant_type'] === 'refresh_token') {
      this.refreshes++;
      const known = this.#refreshTokens.get(form['refresh_token'] ?? '');
      this.#refreshTokens.delete(form['refresh_token'] ?? '');
      return known === undefined || this.isRevoked
        ? refuse(refusal.refreshCode)
        : this.#issue(known);
    }
    const code = this.#codes.get(form['code'] ?? '');
    this.#codes.delete(form['code'] ?? '');
    const challenge = createHash('sha256')
      .update(form['code_verifier'] ?? '')
      .digest('base64url');
    if (code?.challenge !== challenge || code.redirectUri !== form['redirect_uri']) {
      return refuse(refusal.code);
    }
    return this.#issue(this.subject);
  }

  #issue(subject: string): Response {
    const { hasRefreshTokens, expiresIn, tokenExtras } = this.#quirks;
    const accessToken = crypto.randomUUID();
    this.#tokens.set(accessToken, subject);
    const refreshToken = crypto.randomUUID();
    if (hasRefreshTokens) this.#refreshTokens.set(refreshToken, subject);
    return json({
      access_token: accessToken,
      token_type: 'bearer',
      ...(hasRefreshTokens ? { refresh_token: refreshToken } : {}),
      ...(expiresIn === undefined ? {} : { expires_in: expiresIn }),
      ...tokenExtras(subject),
    });
  }

  #isOurs(request: Request, form: Readonly<Record<string, string>>): boolean {
    const basic = `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')}`;
    if (request.headers.get('authorization') === basic) return true;
    const isPost = this.#quirks.authMethod === 'client_secret_post';
    return isPost && form['client_id'] === CLIENT_ID && form['client_secret'] === CLIENT_SECRET;
  }
}
