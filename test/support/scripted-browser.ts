import { isLoopbackUrl } from '../../src/oauth/loopback.js';

export interface PageForm {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly buttons: readonly {
    readonly name: string;
    readonly value: string;
    readonly text: string;
  }[];
}

export interface BrowserResponse {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

const MAX_HOPS = 15;

/**
 * A browser without a screen: keeps cookies, follows redirects on loopback, presses the buttons of the sign-in page.
 * It knows paths of cookies, not their other attributes.
 */
export class ScriptedBrowser {
  readonly #cookies = new Map<string, Map<string, Cookie>>();
  /** Where redirects stop, besides everything that is not loopback. Default: nowhere. */
  readonly isFinal: (url: URL) => boolean;

  constructor(options: { readonly isFinal?: (url: URL) => boolean } = {}) {
    this.isFinal = options.isFinal ?? (() => false);
  }

  /** One request, redirects not followed. */
  async request(url: string, init: RequestInit = {}): Promise<BrowserResponse> {
    const headers = new Headers(init.headers);
    const cookies = this.cookiesFor(url);
    if (cookies !== '') headers.set('cookie', cookies);
    if (!headers.has('accept')) headers.set('accept', 'text/html,*/*;q=0.8');
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    this.keepCookies(url, response.headers.getSetCookie());
    return { url, status: response.status, headers: response.headers, body: await response.text() };
  }

  /** Loads a page and follows redirects up to the first that leaves loopback or is final. */
  async open(url: string, init: RequestInit = {}): Promise<BrowserResponse> {
    let at = url;
    let request = init;
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      const response = await this.request(at, request);
      const location = response.headers.get('location');
      if (response.status < 300 || response.status > 399 || location === null) return response;
      const next = new URL(location, at);
      if (!isLoopbackUrl(next) || this.isFinal(next)) return { ...response, url: next.href };
      at = next.href;
      request = {};
    }
    throw new Error(`more than ${MAX_HOPS} redirects from ${url}`);
  }

  /** Sends a form as a browser would from `page`. */
  async submit(
    page: BrowserResponse,
    values: Readonly<Record<string, string>>,
  ): Promise<BrowserResponse> {
    const form = readForm(page);
    const target = new URL(form.action, page.url);
    return this.open(target.href, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: new URL(page.url).origin,
      },
      body: new URLSearchParams({ ...form.fields, ...values }).toString(),
    });
  }

  cookiesFor(url: string): string {
    const { host, pathname } = new URL(url);
    return [...(this.#cookies.get(host)?.values() ?? [])]
      .filter(({ path }) => pathname === path || pathname.startsWith(path.replace(/\/?$/, '/')))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  /** Every cookie value held: what must never be found in a database dump. */
  cookieValues(): string[] {
    return [...this.#cookies.values()].flatMap((jar) =>
      [...jar.values()].map(({ value }) => value),
    );
  }

  /** Takes `Set-Cookie` lines of the site at `url`. */
  keepCookies(url: string, lines: readonly string[]): void {
    const { host } = new URL(url);
    const jar = this.#cookies.get(host) ?? new Map<string, Cookie>();
    this.#cookies.set(host, jar);
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const at = pair.indexOf('=');
      const name = pair.slice(0, at);
      const value = pair.slice(at + 1);
      const path = attributes.find((part) => /^path=/i.test(part))?.slice(5) ?? '/';
      const key = `${name};${path}`;
      if (value === '' || attributes.some((part) => /^expires=Thu, 01 Jan 1970/i.test(part))) {
        jar.delete(key);
      } else jar.set(key, { name, value, path });
    }
  }
}

/**
 * Goes through sign-in and consent. Redirects are followed on loopback; the last one, to `redirect_uri`, is returned
 * and not loaded.
 *
 * @param options.person - id of the person, or the beginning of the name on the button. Default: the first one
 * @returns the URL that the browser would load last, with `code` or `error`
 */
export async function signIn(
  authorizationUrl: string,
  options: {
    readonly person?: string;
    readonly deny?: boolean;
    readonly browser?: ScriptedBrowser;
  } = {},
): Promise<string> {
  const redirectUri = new URL(authorizationUrl).searchParams.get('redirect_uri') ?? '';
  const browser =
    options.browser ?? new ScriptedBrowser({ isFinal: (url) => isAt(url, redirectUri) });
  const page = await browser.open(authorizationUrl);
  if (isAt(new URL(page.url), redirectUri)) return page.url;
  if (page.status !== 200) throw new Error(`sign-in page answered ${page.status}: ${page.body}`);
  const values: Record<string, string> = options.deny
    ? { decision: 'deny' }
    : { person: findPerson(readForm(page), options.person) };
  const last = await browser.submit(page, values);
  if (!isAt(new URL(last.url), redirectUri)) {
    throw new Error(`sign-in ended at ${last.url} with ${last.status}: ${last.body}`);
  }
  return last.url;
}

function isAt(url: URL, redirectUri: string): boolean {
  if (!URL.canParse(redirectUri)) return false;
  const wanted = new URL(redirectUri);
  return (
    url.protocol === wanted.protocol && url.host === wanted.host && url.pathname === wanted.pathname
  );
}

function findPerson(form: PageForm, person: string | undefined): string {
  const people = form.buttons.filter(({ name }) => name === 'person');
  const found =
    person === undefined
      ? people[0]
      : people.find(({ value, text }) => value === person || text.startsWith(person));
  if (found === undefined) throw new Error(`nobody called ${person ?? '(anybody)'} on the page`);
  return found.value;
}

/** Reads the one form of a page. */
export function readForm(page: BrowserResponse): PageForm {
  const form = /<form\b[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(page.body);
  if (form === null) throw new Error(`the page has no form: ${page.body}`);
  const [, action = '', inner = ''] = form;
  const attribute = (tag: string, name: string): string =>
    unescapeHtml(new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
  const fields = Object.fromEntries(
    [...inner.matchAll(/<input\b[^>]*>/g)].map(([tag]) => [
      attribute(tag, 'name'),
      attribute(tag, 'value'),
    ]),
  );
  const buttons = [...inner.matchAll(/(<button\b[^>]*>)([\s\S]*?)<\/button>/g)].map(
    ([, tag = '', text = '']) => ({
      name: attribute(tag, 'name'),
      value: attribute(tag, 'value'),
      text: unescapeHtml(text.replace(/<[^>]*>/g, '')).trim(),
    }),
  );
  return { action: unescapeHtml(action), fields, buttons };
}

function unescapeHtml(text: string): string {
  const names: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => names[name] ?? '');
}
