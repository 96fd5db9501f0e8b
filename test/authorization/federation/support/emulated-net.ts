/** Hosts that exist in a test only: what would go over the network goes to their handlers. */
export class EmulatedNet {
  readonly #hosts = new Map<string, (request: Request) => Promise<Response>>();
  /** Every request, as `METHOD https://host/path`. */
  readonly log: string[] = [];

  add(host: string, handle: (request: Request) => Promise<Response>): void {
    this.#hosts.set(host, handle);
  }

  readonly fetch = async (
    input: string | URL | Request,
    init: RequestInit = {},
  ): Promise<Response> => {
    const request = new Request(input, { ...init, redirect: 'manual' });
    const { host, origin, pathname } = new URL(request.url);
    this.log.push(`${request.method} ${origin}${pathname}`);
    const handle = this.#hosts.get(host);
    if (handle === undefined) throw new TypeError(`no host ${host} in this test`);
    return handle(request);
  };
}

export function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json' },
  });
}
