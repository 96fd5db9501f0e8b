import type { SafeFetch } from '../../src/net/safe-fetch.js';

/** A place on the web that holds client metadata documents, and counts who asks. */
export class DocumentHost {
  readonly #answers = new Map<string, () => Response | Promise<Response>>();
  /** URLs in the order they were asked for. */
  readonly requests: string[] = [];

  readonly fetch: SafeFetch = async (input) => {
    const url = input instanceof Request ? input.url : String(input);
    this.requests.push(url);
    const answer = this.#answers.get(url);
    if (answer === undefined) throw new TypeError('nothing listens there');
    return answer();
  };

  /** Publishes a document under its own URL. @returns the URL: the client id */
  publish(
    url: string,
    document: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): string {
    const body = JSON.stringify({
      client_id: url,
      client_name: 'Document client',
      redirect_uris: ['http://127.0.0.1/callback'],
      ...document,
    });
    return this.answer(
      url,
      () => new Response(body, { headers: { 'content-type': 'application/json', ...headers } }),
    );
  }

  answer(url: string, answer: () => Response | Promise<Response>): string {
    this.#answers.set(url, answer);
    return url;
  }

  remove(url: string): void {
    this.#answers.delete(url);
  }
}
