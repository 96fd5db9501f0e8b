import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type CallbackListener,
  listenForCallback,
} from '../../src/client/login/callback-listener.js';

const STATE = 'the-state-of-this-login';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

function send(
  uri: string,
  query: string,
  options: { method?: string; host?: string; path?: string; address?: string } = {},
): Promise<Answer> {
  const url = new URL(uri);
  return new Promise((resolve, reject) => {
    request(
      {
        host: options.address ?? '127.0.0.1',
        port: url.port,
        method: options.method ?? 'GET',
        path: `${options.path ?? url.pathname}${query}`,
        headers: { host: options.host ?? url.host },
      },
      (res) => {
        let body = '';
        res.setEncoding('utf8').on('data', (text: string) => (body += text));
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body }));
      },
    )
      .on('error', reject)
      .end();
  });
}

describe('listenForCallback', () => {
  let listener: CallbackListener;
  const listen = async (host?: '127.0.0.1' | 'localhost'): Promise<CallbackListener> => {
    listener = await listenForCallback({ state: STATE, port: 0, ...(host && { host }) });
    return listener;
  };

  afterEach(() => listener.close());

  it('hands over the decoded answer to the right state', async () => {
    const { redirectUri, response } = await listen();
    const answer = await send(
      redirectUri,
      `?code=a%2Bb&state=${STATE}&iss=https%3A%2F%2Fas.example`,
    );
    expect(answer.status).toBe(200);
    expect(await response).toEqual({ code: 'a+b', iss: 'https://as.example' });
  });

  it('shows a fixed page that repeats nothing, cannot run anything and is not kept', async () => {
    const { redirectUri } = await listen();
    const { body, headers } = await send(
      redirectUri,
      `?state=${STATE}&code=canary&error_description=<script>canary</script>`,
    );
    expect(body).not.toContain('canary');
    expect(headers['content-security-policy']).toMatch(/default-src 'none'/);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['referrer-policy']).toBe('no-referrer');
  });

  it.each([
    ['no state', '?code=a', {}, 400],
    ['another state', '?code=a&state=the-state-of-this-logim', {}, 400],
    ['a longer state', `?code=a&state=${STATE}x`, {}, 400],
    ['another path', `?code=a&state=${STATE}`, { path: '/oauth/callback/' }, 404],
    [
      'another path that starts the same',
      `?code=a&state=${STATE}`,
      { path: '/oauth/callback2' },
      404,
    ],
    ['POST', `?code=a&state=${STATE}`, { method: 'POST' }, 405],
    ['HEAD', `?code=a&state=${STATE}`, { method: 'HEAD' }, 405],
    ['a foreign Host', `?code=a&state=${STATE}`, { host: 'evil.example' }, 403],
    ['a foreign Host on this port', `?code=a&state=${STATE}`, { host: 'evil.example:80' }, 403],
    ['a Host without port', `?code=a&state=${STATE}`, { host: '127.0.0.1' }, 403],
    ['a query that is far too long', `?code=${'a'.repeat(20_000)}&state=${STATE}`, {}, 414],
  ])('refuses %s and goes on waiting', async (_name, query, options, status) => {
    const { redirectUri, response } = await listen();
    expect((await send(redirectUri, query, options)).status).toBe(status);
    await send(redirectUri, `?code=right&state=${STATE}`);
    expect(await response).toEqual({ code: 'right' });
  });

  it('takes a state once', async () => {
    const { redirectUri, response } = await listen();
    await send(redirectUri, `?code=first&state=${STATE}`);
    expect((await send(redirectUri, `?code=second&state=${STATE}`)).status).toBe(400);
    expect(await response).toEqual({ code: 'first' });
  });

  it('keeps the first of a repeated parameter', async () => {
    const { redirectUri, response } = await listen();
    await send(redirectUri, `?code=first&code=second&state=${STATE}`);
    expect(await response).toEqual({ code: 'first' });
  });

  it('listens on IPv6 as well, for browsers that take localhost for ::1', async () => {
    const { redirectUri, response } = await listen('localhost');
    expect(redirectUri).toMatch(/^http:\/\/localhost:\d+\/oauth\/callback$/);
    const answer = await send(redirectUri, `?code=six&state=${STATE}`, { address: '::1' }).catch(
      // A machine without IPv6 has nobody to listen to there.
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (answer === 'EADDRNOTAVAIL' || answer === 'EAFNOSUPPORT') return;
    expect(answer).toMatchObject({ status: 200 });
    expect(await response).toEqual({ code: 'six' });
  });
});
