import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BrowserResponse } from '../../support/scripted-browser.js';
import { type TouredServer, startToured, tourPages } from './page-tour.js';

const PLAIN = 'Plain';

/** Tags in their order, each with the names of its attributes: what a browser would build. */
function skeleton({ body }: BrowserResponse): string[] {
  return [...body.matchAll(/<([!/]?[a-z][^\s>]*)((?:[^>"]|"[^"]*")*)>/gi)].map(
    ([, tag = '', attributes = '']) =>
      [tag, ...[...attributes.matchAll(/([a-z-]+)(?:="[^"]*")?/gi)].map(([, name]) => name)].join(
        ' ',
      ),
  );
}

const hostile = [
  '"><script>alert(1)</script>',
  "'><img src=x onerror=alert(1)>",
  '</title></h1></dd><svg onload=alert(1)>',
  '" autofocus onfocus="alert(1)',
  '</style><style>main{display:none}</style>',
  '--><!--<base href=//evil.example>',
  '`${alert(1)}`{{1}}<%=1%></form><form action=//evil.example>',
];

let plain: ReadonlyMap<string, BrowserResponse>;
let server: TouredServer;
beforeAll(async () => {
  server = await startToured(PLAIN);
  plain = await tourPages(server, PLAIN);
});
afterAll(() => server.close());

describe('every page', () => {
  test('is one of ours, and there are thirty', () => {
    const types = new Set([...plain.values()].map(({ headers }) => headers.get('content-type')));
    expect([...types]).toEqual(['text/html; charset=utf-8']);
    expect(plain.size).toBe(30);
    const statuses = [...plain.values()].map(({ status }) => status);
    expect(statuses.filter((status) => ![200, 400, 403, 404, 503].includes(status))).toEqual([]);
  });

  test('refuses to be framed, to run a script, to load anything or to be kept (clickjacking)', () => {
    for (const [name, { headers, body }] of plain) {
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy, name).toMatch(
        /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; base-uri 'none'; frame-ancestors 'none'$/,
      );
      expect(headers.get('x-frame-options'), name).toBe('DENY');
      expect(headers.get('x-content-type-options'), name).toBe('nosniff');
      expect(headers.get('cache-control'), name).toContain('no-store');
      expect(headers.get('referrer-policy'), name).toMatch(/^(same-origin|no-referrer)$/);
      expect(headers.get('access-control-allow-origin'), name).toBeNull();
      expect(body, name).not.toMatch(/<(script|img|iframe|object|embed|link|svg|base)\b/i);
    }
  });

  test.each(hostile)(
    'shows %j as text, from clients, people, providers and requests',
    async (text) => {
      const toured = await startToured(text);
      const pages = await tourPages(toured, text);
      await toured.close();
      expect([...pages.keys()]).toEqual([...plain.keys()]);
      for (const [name, page] of pages) {
        const like = plain.get(name);
        expect({ name, status: page.status }).toEqual({ name, status: like?.status });
        expect(page.body, name).not.toContain(text);
        if (like !== undefined) expect(skeleton(page), name).toEqual(skeleton(like));
      }
      const shown = [...pages].filter(([, { body }]) => /&(lt|quot|#39|gt);/.test(body));
      expect(shown.map(([name]) => name)).toEqual(
        expect.arrayContaining(['consent', 'denied', 'account', 'device to confirm']),
      );
    },
  );
});
