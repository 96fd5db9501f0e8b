import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import { type PageTexts, textsOf } from './language.js';
import { STYLE } from './style.js';

/** What `html` makes: escaped text, at once or later. */
export type Html = ReturnType<typeof html>;

// A constant of ours, in one piece: escaping it or one more space would change its hash.
const STYLE_ELEMENT = raw(`<style>${STYLE}</style>`);
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/**
 * Headers of every page. No `form-action`: Chromium applies it to the redirects after the post, and those end at the
 * client. `same-origin` keeps the Origin header on the form post.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'`,
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** A whole page around `body`, in the language of `texts`. Default: English. */
export async function renderPage(
  title: string,
  body: Html,
  texts: PageTexts = textsOf('en'),
): Promise<string> {
  const content = await body;
  const page = await html`<!doctype html>
    <html lang="${texts.language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <main>${content}</main>
      </body>
    </html> `;
  return page.toString();
}
