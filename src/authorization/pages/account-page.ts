import { html } from 'hono/html';
import type { PageTexts } from './language.js';
import { renderPage } from './layout.js';

export interface ConnectedApp {
  readonly clientId: string;
  readonly clientName: string | undefined;
  /** What it may do, in words. */
  readonly scopes: readonly string[];
  /** Epoch seconds of the oldest login that still stands. */
  readonly since: number;
}

export interface AccountView {
  readonly displayName: string;
  readonly apps: readonly ConnectedApp[];
  /** Name of the app that was just disconnected. */
  readonly revoked: string | undefined;
  readonly action: string;
  readonly csrfToken: string;
}

/** The apps that may act for a person, each with a way to end that. */
export function renderAccountPage(view: AccountView, texts: PageTexts): Promise<string> {
  const { t, language } = texts;
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' });
  const csrf = html`<input type="hidden" name="csrf" value="${view.csrfToken}" />`;
  return renderPage(
    t('account.title'),
    html`<h1>${t('account.title')}</h1>
      <p>${t('account.person', { person: view.displayName })}</p>
      ${
        view.revoked === undefined
          ? ''
          : html`<p class="done" role="status">
              ${t('account.revoked', { client: view.revoked })}
            </p>`
      }
      ${view.apps.length === 0 ? html`<section><p>${t('account.none')}</p></section>` : ''}
      ${view.apps.map((app) => {
        const client = app.clientName ?? t('consent.unnamed');
        const date = day.format(new Date(app.since * 1000));
        return html`<section>
          <h2>${client}</h2>
          <p class="note"><code>${app.clientId}</code></p>
          <p class="note">${t('account.since', { date })}</p>
          ${
            app.scopes.length === 0
              ? html`<p>${t('account.nothing')}</p>`
              : html`<p>${t('account.mayDo')}</p>
                  <ul>
                    ${app.scopes.map((scope) => html`<li>${scope}</li>`)}
                  </ul>`
          }
          <form class="inline" method="post" action="${view.action}">
            ${csrf}
            <button class="deny" type="submit" name="revoke" value="${app.clientId}">
              ${t('account.revoke', { client })}
            </button>
          </form>
        </section>`;
      })}
      <form class="inline" method="post" action="${view.action}">
        ${csrf}
        <button class="deny" type="submit" name="decision" value="sign-out">
          ${t('account.signOut')}
        </button>
      </form>`,
    texts,
  );
}

/** @param view.upstream - where the person may still be signed in, and how to end that */
export function renderSignedOutPage(
  view: {
    readonly signInUrl: string;
    readonly upstream:
      | { readonly label: string; readonly logoutUrl: string | undefined }
      | undefined;
  },
  texts: PageTexts,
): Promise<string> {
  const { t } = texts;
  const { upstream } = view;
  return renderPage(
    t('signedOut.title'),
    html`<h1>${t('signedOut.title')}</h1>
      <section>
        <p>${t('signedOut.text')}</p>
        ${
          upstream === undefined
            ? ''
            : html`<p>${t('signedOut.upstream', { provider: upstream.label })}</p>`
        }
        ${
          upstream?.logoutUrl === undefined
            ? ''
            : html`<p><a href="${upstream.logoutUrl}">${t('signedOut.upstreamLink')}</a></p>`
        }
        <p><a href="${view.signInUrl}">${t('signedOut.again')}</a></p>
      </section>`,
    texts,
  );
}
