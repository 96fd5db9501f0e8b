import { html } from 'hono/html';
import type { AnswerKind } from '../client-policy.js';
import type { PageTexts } from './language.js';
import { type Html, renderPage } from './layout.js';
import { type ChoiceForm, renderChoices, renderNotice } from './sign-in-choices.js';

export interface ConsentView {
  /** What the client calls itself; nobody checked it. */
  readonly clientName: string | undefined;
  readonly clientId: string;
  /** Host of the redirect URI, or its scheme when it is an app's own; undefined for a device, which has none. */
  readonly redirectHost: string | undefined;
  readonly redirectKind: AnswerKind;
  /** Whether the operator's policy asks for a warning about this client. */
  readonly isWarnedAbout: boolean;
  readonly resources: readonly string[];
  /** What the client asks for, in words. */
  readonly scopes: readonly { readonly name: string; readonly text: string }[];
  readonly notice: string | undefined;
  readonly form: Omit<ChoiceForm, 'isConsent'>;
}

/** Sign-in and consent in one page: who asks, for what, where the answer goes, and who allows it. */
export function renderConsentPage(view: ConsentView, texts: PageTexts): Promise<string> {
  const { t } = texts;
  const client = view.clientName ?? t('consent.unnamed');
  return renderPage(
    t('consent.title', { client }),
    html`<h1>${t('consent.heading', { client })}</h1>
      ${renderNotice(view.notice)}
      <section aria-labelledby="who">
        <h2 id="who">${t('consent.who')}</h2>
        <dl>
          <dt>${t('consent.name')}</dt>
          <dd>${t('consent.unverified', { client })}</dd>
          <dt>${t('consent.clientId')}</dt>
          <dd><code>${view.clientId}</code></dd>
          ${
            view.redirectHost === undefined
              ? ''
              : html`<dt>${t('consent.returnsTo')}</dt>
                  <dd><code>${view.redirectHost}</code></dd>`
          }
        </dl>
      </section>
      ${redirectWarning(view.redirectKind, texts)}
      ${view.isWarnedAbout ? html`<p class="warning">${t('consent.warned')}</p>` : ''}
      <section aria-labelledby="what">
        <h2 id="what">${t('consent.what', { resources: view.resources.join(', ') })}</h2>
        <ul>
          ${view.scopes.map((scope) => html`<li>${scope.text} <span class="note">(${scope.name})</span></li>`)}
        </ul>
        <p class="note">${t('consent.limits')}</p>
      </section>
      ${renderChoices({ ...view.form, isConsent: true }, texts)}`,
    texts,
  );
}

/** Sign-in for its own sake: to see one's connected apps. */
export function renderSignInPage(
  view: { readonly notice: string | undefined; readonly form: Omit<ChoiceForm, 'isConsent'> },
  texts: PageTexts,
): Promise<string> {
  const { t } = texts;
  return renderPage(
    t('signIn.title'),
    html`<h1>${t('signIn.title')}</h1>
      ${renderNotice(view.notice)}
      <p>${t('signIn.intro')}</p>
      ${renderChoices({ ...view.form, isConsent: false }, texts)}`,
    texts,
  );
}

function redirectWarning(kind: AnswerKind, { t }: PageTexts): Html | string {
  switch (kind) {
    case 'loopback':
      return html`<p class="warning">${t('consent.loopback')}</p>`;
    case 'private-use':
      return html`<p class="warning">${t('consent.privateUse')}</p>`;
    case 'device':
      return html`<p class="warning">${t('consent.device')}</p>`;
    case 'https':
    case 'unsafe':
      return '';
  }
}
