import { html } from 'hono/html';
import type { RedirectKind } from '../client-policy.js';
import { type Html, renderPage } from './layout.js';

interface SignInPerson {
  readonly id: string;
  readonly displayName: string;
  readonly tenant: string;
  /** Whether this browser is signed in as this person. */
  readonly isCurrent: boolean;
}

export interface SignInView {
  /** What the client calls itself; nobody checked it. */
  readonly clientName: string | undefined;
  readonly clientId: string;
  /** Host of the redirect URI, or its scheme when it is an app's own. */
  readonly redirectHost: string;
  readonly redirectKind: RedirectKind;
  readonly resources: readonly string[];
  /** What the client asks for, in words. */
  readonly scopes: readonly { readonly name: string; readonly text: string }[];
  readonly people: readonly SignInPerson[];
  /** Where the form goes. */
  readonly action: string;
  readonly csrfToken: string;
}

/** Sign-in and consent in one page: who asks, for what, where the answer goes, and who allows it. */
export function renderSignInPage(view: SignInView): Promise<string> {
  const name = view.clientName ?? 'An app without a name';
  return renderPage(
    `Allow ${name}?`,
    html`<h1>${name} wants access</h1>
      <section aria-labelledby="who">
        <h2 id="who">Who is asking</h2>
        <dl>
          <dt>Name</dt>
          <dd>${name} (name not verified)</dd>
          <dt>Client id</dt>
          <dd><code>${view.clientId}</code></dd>
          <dt>Returns to</dt>
          <dd><code>${view.redirectHost}</code></dd>
        </dl>
      </section>
      ${redirectWarning(view.redirectKind)}
      <section aria-labelledby="what">
        <h2 id="what">What it may do at ${view.resources.join(', ')}</h2>
        <ul>
          ${view.scopes.map((scope) => html`<li>${scope.text} <span class="note">(${scope.name})</span></li>`)}
        </ul>
        <p class="note">
          It gets only those of them that the person you choose may do. It stays signed in until it
          is unused for 30 days, and for 90 days at most.
        </p>
      </section>
      <form method="post" action="${view.action}">
        <input type="hidden" name="csrf" value="${view.csrfToken}" />
        ${people(view.people)}
        <button class="deny" type="submit" name="decision" value="deny">Deny</button>
      </form>`,
  );
}

function people(list: readonly SignInPerson[]): Html {
  if (list.length === 0) return html`<p>There is nobody who could sign in.</p>`;
  return html`<fieldset>
    <legend>Demo sign-in: allow as</legend>
    ${list.map(
      (person) =>
        html`<button
          type="submit"
          name="person"
          value="${person.id}"
          ${person.isCurrent ? html` class="primary"` : ''}
        >
          <strong>${person.displayName}</strong>
          <span>${person.tenant}${person.isCurrent ? ', signed in' : ''}</span>
        </button>`,
    )}
  </fieldset>`;
}

function redirectWarning(kind: RedirectKind): Html | string {
  switch (kind) {
    case 'loopback':
      return html`<p class="warning">
        The answer goes to a program on this computer. Allow it only if you have just started this
        sign-in yourself.
      </p>`;
    case 'private-use':
      return html`<p class="warning">
        The answer goes to an app on this device, and any app can claim that address. Allow it only
        if you have just started this sign-in yourself.
      </p>`;
    case 'https':
    case 'unsafe':
      return '';
  }
}
