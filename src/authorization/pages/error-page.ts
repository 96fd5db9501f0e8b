import { html } from 'hono/html';
import { type PageTexts, textsOf } from './language.js';
import { renderPage } from './layout.js';
import type { TextKey } from './texts/en.js';

/** What a person can do about it, where there is something better than trying again. */
const HINTS: Readonly<Record<string, TextKey>> = { invalid_client: 'error.invalidClient' };

/** The page for what cannot be sent back to a client: shown here, redirected nowhere. */
export function renderErrorPage(
  view: { readonly error: string; readonly description: string | undefined },
  texts: PageTexts = textsOf('en'),
): Promise<string> {
  const { t } = texts;
  return renderPage(
    t('error.title'),
    html`<h1>${t('error.title')}</h1>
      <section>
        <p>${view.description ?? t('error.unknown')}</p>
        <p class="note">${t('error.code', { code: view.error })}</p>
        <p>${t(HINTS[view.error] ?? 'error.restart')}</p>
      </section>`,
    texts,
  );
}
