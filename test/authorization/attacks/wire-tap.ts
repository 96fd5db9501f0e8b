/** Members of forms, queries and JSON whose values nobody may find in a database. */
const SECRET_NAMES = new Set([
  'access_token',
  'assertion',
  'client_assertion',
  'client_secret',
  'code',
  'code_verifier',
  'csrf',
  'device_code',
  'id_token',
  'logout_token',
  'nonce',
  'password',
  'refresh_token',
  'state',
  'subject_token',
  'token',
  'user_code',
  'xsrf',
]);

/** Shorter ones would be found by chance. */
const MIN_LENGTH = 8;

type Fetch = typeof globalThis.fetch;

/** Listens on the wire, and knows every secret that went over it, by what it was. */
export class WireTap {
  /** Value by the name under which it was seen first. */
  readonly secrets = new Map<string, string>();
  readonly #real: Fetch = globalThis.fetch;

  /** Listens to every `fetch` of this process from now on. */
  start(): void {
    globalThis.fetch = this.wrap(this.#real);
  }

  stop(): void {
    globalThis.fetch = this.#real;
  }

  wrap(fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>): Fetch {
    return async (input, init) => {
      const request = new Request(input, init);
      await this.#hearRequest(request.clone());
      const response = await fetch(request, init?.redirect && { redirect: init.redirect });
      await this.#hearResponse(response);
      return response;
    };
  }

  note(name: string, value: string | null | undefined): void {
    if (typeof value !== 'string' || value.length < MIN_LENGTH) return;
    if (!this.secrets.has(value)) this.secrets.set(value, name);
    // Of a token the part that makes it one: the rest may be known.
    const parts = value.split('.');
    if (parts.length === 3 && (parts[2]?.length ?? 0) > 40)
      this.note(`${name} signature`, parts[2]);
  }

  async #hearRequest(request: Request): Promise<void> {
    this.#hearUrl(request.url);
    this.#hearCookies(request.headers.get('cookie')?.split('; ') ?? []);
    const [scheme, credential = ''] = request.headers.get('authorization')?.split(' ') ?? [];
    if (scheme === 'Bearer') this.note('bearer', credential);
    if (scheme === 'Basic') {
      this.note('basic', credential);
      this.note('client_secret', Buffer.from(credential, 'base64').toString().split(':')[1]);
    }
    this.#hearBody(await request.text());
  }

  async #hearResponse(response: Response): Promise<void> {
    this.#hearUrl(response.headers.get('location') ?? '');
    this.#hearCookies(response.headers.getSetCookie().map((line) => line.split(';')[0] ?? ''));
    this.#hearBody(await response.clone().text());
  }

  #hearUrl(url: string): void {
    if (!URL.canParse(url, 'http://host.invalid')) return;
    const { searchParams, pathname } = new URL(url, 'http://host.invalid');
    this.#hearParams(searchParams);
    this.note('interaction', /\/(?:interaction|authorize)\/([\w-]{16,})/.exec(pathname)?.[1]);
  }

  #hearParams(params: URLSearchParams): void {
    for (const [name, value] of params) if (SECRET_NAMES.has(name)) this.note(name, value);
  }

  #hearCookies(pairs: readonly string[]): void {
    for (const pair of pairs) this.note('cookie', pair.slice(pair.indexOf('=') + 1));
  }

  #hearBody(text: string): void {
    if (text.startsWith('{')) {
      for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, unknown>)) {
        if (SECRET_NAMES.has(name) && typeof value === 'string') this.note(name, value);
      }
    } else if (text.startsWith('<')) {
      for (const [, name = '', value] of text.matchAll(/name="(\w+)"\s+value="([^"]*)"/g)) {
        if (SECRET_NAMES.has(name)) this.note(name, value);
      }
    } else this.#hearParams(new URLSearchParams(text));
  }
}
