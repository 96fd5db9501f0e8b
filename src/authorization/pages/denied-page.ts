import { html } from 'hono/html';
import type { PageTexts } from './language.js';
import { renderPage } from './layout.js';

export interface DeniedView {
  readonly kind: 'denied' | 'disabled';
  readonly displayName: string;
  readonly provider: { readonly id: string; readonly label: string };
  /** Whom to ask; undefined: whoever runs the server. */
  readonly contact: string | undefined;
  readonly action: string;
  readonly csrfToken: string;
  /** Whether there is an app to go back to. */
  readonly hasClient: boolean;
}

/** Tells a person that they may not come in, who says so, and whom to ask. */
export function renderDeniedPage(view: DeniedView, texts: PageTexts): Promise<string> {
  const { t } = texts;
  const { displayName: person, provider, contact } = view;
  return renderPage(
    t('denied.title'),
    html`<h1>${t('denied.title')}</h1>
      <section>
        <p>
          ${
            view.kind === 'denied'
              ? t('denied.text', { provider: provider.label, person })
              : t('denied.disabled', { person })
          }
        </p>
        <p>${contact === undefined ? t('denied.operator') : t('denied.contact', { contact })}</p>
      </section>
      <form method="post" action="${view.action}">
        <input type="hidden" name="csrf" value="${view.csrfToken}" />
        <input type="hidden" name="switch" value="yes" />
        <button class="primary" type="submit" name="provider" value="${provider.id}">
          ${t('denied.retry')}
        </button>
        ${
          view.hasClient
            ? html`<button class="deny" type="submit" name="decision" value="deny">
                ${t('denied.back')}
              </button>`
            : ''
        }
      </form>`,
    texts,
  );
}
