import type { SafeFetch } from '../../net/safe-fetch.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import type { TokenEndpointQuirks } from './profile.js';

const MAX_ANSWER_BYTES = 512 * 1024;

/**
 * The fetch of one provider: at the token endpoint it makes the provider look like the standard. Requests become JSON
 * where that is wanted; an error that came with status 200, or under a name of its own, becomes the one of RFC 6749
 * §5.2. Everything else goes through untouched.
 *
 * @param tokenEndpoint - the URL of the token endpoint, once it is known
 */
export function createUpstreamFetch(
  fetch: SafeFetch,
  quirks: TokenEndpointQuirks | undefined,
  tokenEndpoint: () => string | undefined,
): SafeFetch {
  return async (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    if (init.method !== 'POST' || url !== tokenEndpoint()) return fetch(input, init);
    const response = await fetch(input, quirks === undefined ? init : adapt(init, quirks));
    return translate(response, quirks?.errorCodes ?? {});
  };
}

function adapt(
  init: RequestInit,
  { headers: extra = {}, isJson = false }: TokenEndpointQuirks,
): RequestInit {
  const headers = new Headers(init.headers);
  for (const [name, value] of Object.entries(extra)) headers.set(name, value);
  if (!isJson) return { ...init, headers };
  headers.set('content-type', 'application/json');
  const form = new URLSearchParams(init.body as URLSearchParams | string);
  return { ...init, headers, body: JSON.stringify(Object.fromEntries(form)) };
}

async function translate(
  response: Response,
  codes: NonNullable<TokenEndpointQuirks['errorCodes']>,
): Promise<Response> {
  const text = await response.text();
  const rebuilt = (status: number, body: string): Response =>
    new Response(body, { status, headers: { 'content-type': 'application/json' } });
  const parsed = parseJson(text, { maxBytes: MAX_ANSWER_BYTES });
  if (!parsed.ok || !isJsonObject(parsed.value)) {
    return new Response(text, { status: response.status, headers: response.headers });
  }
  const { error } = parsed.value;
  if (typeof error !== 'string') {
    const lifetime = parsed.value['expires_in'];
    const isUnusable = lifetime !== undefined && !(typeof lifetime === 'number' && lifetime >= 0);
    // Some write the lifetime as text.
    return isUnusable
      ? rebuilt(
          response.status,
          JSON.stringify({ ...parsed.value, expires_in: wholeSeconds(lifetime) }),
        )
      : rebuilt(response.status, text);
  }
  const status = response.status < 400 ? 400 : response.status;
  return rebuilt(status, JSON.stringify({ ...parsed.value, error: codes[error] ?? error }));
}

function wholeSeconds(value: unknown): number | undefined {
  return typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : undefined;
}
