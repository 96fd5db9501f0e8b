import { html } from 'hono/html';
import type { PageTexts } from './language.js';
import type { Html } from './layout.js';

interface DemoPerson {
  readonly id: string;
  readonly displayName: string;
  readonly tenant: string;
  /** Whether this browser is signed in as this person. */
  readonly isCurrent: boolean;
}

/** The ways in that a page offers. */
export interface SignInChoices {
  /** Whom this browser is signed in as, when that is enough. */
  readonly current: string | undefined;
  readonly providers: readonly { readonly id: string; readonly label: string }[];
  readonly hasPasswordForm: boolean;
  /** What was typed before, to be shown again. */
  readonly userName: string | undefined;
  readonly demo: readonly DemoPerson[] | undefined;
}

export interface ChoiceForm {
  readonly choices: SignInChoices;
  /** Where the forms go. */
  readonly action: string;
  readonly csrfToken: string;
  /** Whether the page is about allowing something, and so may be denied. */
  readonly isConsent: boolean;
}

/**
 * The forms of a sign-in: buttons for every way in, and fields for a password. Two forms, so that Enter in a field
 * sends the password and not the first button.
 */
export function renderChoices(form: ChoiceForm, { t }: PageTexts): Html {
  const { choices, action, csrfToken, isConsent } = form;
  const { current, providers, hasPasswordForm, demo } = choices;
  const isEmpty = providers.length === 0 && !hasPasswordForm && (demo?.length ?? 0) === 0;
  return html`<form id="choices" method="post" action="${action}">
      <input type="hidden" name="csrf" value="${csrfToken}" />
      ${
        current === undefined
          ? ''
          : html`<button class="primary" type="submit" name="continue" value="yes">
              ${t('consent.allowAs', { person: current })}
            </button>`
      }
      ${providers.map(
        ({ id, label }) =>
          html`<button
            type="submit"
            name="provider"
            value="${id}"
            ${current === undefined ? html` class="primary"` : ''}
          >
            ${t(isConsent ? 'consent.allowWith' : 'signIn.with', { provider: label })}
          </button>`,
      )}
      ${demo === undefined ? '' : renderDemo(demo, isConsent, t)}
      ${isEmpty ? html`<p>${t('consent.nobody')}</p>` : ''}
      ${isConsent && !hasPasswordForm ? renderDeny(t) : ''}
    </form>
    ${hasPasswordForm ? renderPasswordForm(form, t) : ''}
    ${isConsent && hasPasswordForm ? renderDeny(t) : ''}`;
}

function renderDeny(t: PageTexts['t']): Html {
  // `form` ties the button to the first form, wherever it stands.
  return html`<button class="deny" type="submit" name="decision" value="deny" form="choices">
    ${t('consent.deny')}
  </button>`;
}

function renderDemo(people: readonly DemoPerson[], isConsent: boolean, t: PageTexts['t']): Html {
  return html`<fieldset>
    <legend>${t(isConsent ? 'consent.demo' : 'signIn.demo')}</legend>
    ${people.map(
      (person) =>
        html`<button
          type="submit"
          name="person"
          value="${person.id}"
          ${person.isCurrent ? html` class="primary"` : ''}
        >
          <strong>${person.displayName}</strong>
          <span
            >${
              person.isCurrent ? t('consent.signedIn', { tenant: person.tenant }) : person.tenant
            }</span
          >
        </button>`,
    )}
  </fieldset>`;
}

function renderPasswordForm(
  { choices, action, csrfToken, isConsent }: ChoiceForm,
  t: PageTexts['t'],
): Html {
  return html`<form method="post" action="${action}" aria-label="${t('signIn.title')}">
    <input type="hidden" name="csrf" value="${csrfToken}" />
    <label for="user_name">${t('signIn.userName')}</label>
    <input
      id="user_name"
      name="user_name"
      type="text"
      autocomplete="username"
      autocapitalize="none"
      spellcheck="false"
      required
      maxlength="128"
      value="${choices.userName ?? ''}"
    />
    <label for="password">${t('signIn.password')}</label>
    <input
      id="password"
      name="password"
      type="password"
      autocomplete="current-password"
      required
      maxlength="1024"
    />
    <button
      type="submit"
      name="method"
      value="password"
      ${choices.current === undefined && choices.providers.length === 0 ? html` class="primary"` : ''}
    >
      ${t(isConsent ? 'consent.allowLocal' : 'signIn.submit')}
    </button>
  </form>`;
}

/** What went wrong before, read out at once by a screen reader. */
export function renderNotice(notice: string | undefined): Html | string {
  return notice === undefined ? '' : html`<p class="warning" role="alert">${notice}</p>`;
}
