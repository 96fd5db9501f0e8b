import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isForm, readForm } from '../form-request.js';
import { renderErrorPage } from '../pages/error-page.js';
import type { PageTexts } from '../pages/language.js';
import { PAGE_HEADERS } from '../pages/layout.js';

/** Answers with a page. */
export function sendPage(
  response: ServerResponse,
  status: number,
  page: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...PAGE_HEADERS, ...headers }).end(page);
}

export async function sendErrorPage(
  response: ServerResponse,
  status: number,
  error: string,
  description: string | undefined,
  texts: PageTexts,
): Promise<void> {
  sendPage(response, status, await renderErrorPage({ error, description }, texts));
}

/** Sends the browser on with a GET, without telling the next page where it was. */
export function redirect(response: ServerResponse, url: string): void {
  response
    .writeHead(303, {
      Location: url,
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
    })
    .end();
}

/**
 * The token that a form has to send back: bound to what the browser holds, not stored. The first is for the page; those
 * after it are on pages from before the master secret was replaced.
 */
export type CsrfTokens = readonly [string, ...string[]];

export function csrfTokensFor(
  [first, ...previous]: readonly [Uint8Array, ...Uint8Array[]],
  boundTo: string,
): CsrfTokens {
  const tokenOf = (key: Uint8Array) =>
    createHmac('sha256', key).update(boundTo).digest('base64url');
  return [tokenOf(first), ...previous.map(tokenOf)];
}

/** @returns the form, when it was sent from a page of this origin that was made for this browser */
export async function readOwnForm(
  request: IncomingMessage,
  origin: string,
  csrfTokens: CsrfTokens,
): Promise<URLSearchParams | undefined> {
  const form = isForm(request) ? await readForm(request) : undefined;
  const sentFrom = request.headers.origin;
  const isOwnOrigin = sentFrom === undefined || sentFrom === origin;
  if (form === undefined || !isOwnOrigin) return undefined;
  const given = form.get('csrf') ?? '';
  return csrfTokens.some((token) => isEqual(given, token)) ? form : undefined;
}

function isEqual(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
