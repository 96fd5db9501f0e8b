import { html } from 'hono/html';
import { type PageTexts, textsOf } from './language.js';
import { renderPage } from './layout.js';
import type { TextKey } from './texts/en.js';

export interface DeviceCodeView {
  /** Where the form goes. */
  readonly action: string;
  readonly csrfToken: string;
  /** Filled in when the person came by the link that the device shows. */
  readonly userCode: string | undefined;
  /** What was wrong with the last code. */
  readonly problem: TextKey | undefined;
}

export interface DeviceConfirmView {
  readonly action: string;
  readonly csrfToken: string;
  /** What the client calls itself; nobody checked it. */
  readonly clientName: string | undefined;
  readonly clientId: string;
  readonly userCode: string;
  /** The operator does not quite trust the client. */
  readonly isWarnedAbout: boolean;
}

/** Where a person types the code that a device shows. */
export function renderDeviceCodePage(
  view: DeviceCodeView,
  texts: PageTexts = textsOf('en'),
): Promise<string> {
  return renderPage(
    texts.t('device.title'),
    html`<h1>${texts.t('device.title')}</h1>
      ${
        view.problem === undefined
          ? ''
          : html`<p class="warning" role="alert" id="problem">${texts.t(view.problem)}</p>`
      }
      <form method="post" action="${view.action}">
        <input type="hidden" name="xsrf" value="${view.csrfToken}" />
        <label for="user_code">${texts.t('device.code')}</label>
        <input
          id="user_code"
          name="user_code"
          value="${view.userCode ?? ''}"
          required
          autocomplete="off"
          autocapitalize="characters"
          spellcheck="false"
          maxlength="20"
          ${view.problem === undefined ? '' : html` aria-describedby="problem" aria-invalid="true"`}
        />
        <p class="note">${texts.t('device.phishing')}</p>
        <button class="primary" type="submit">${texts.t('device.continue')}</button>
      </form>`,
    texts,
  );
}

/** Where a person compares the code with the one on the device, before anything is asked for. */
export function renderDeviceConfirmPage(
  view: DeviceConfirmView,
  texts: PageTexts = textsOf('en'),
): Promise<string> {
  const client = view.clientName ?? texts.t('consent.unnamed');
  return renderPage(
    texts.t('device.confirmTitle'),
    html`<h1>${texts.t('device.confirmHeading', { client })}</h1>
      <section>
        <p>${texts.t('device.compare')}</p>
        <p class="user-code"><strong>${view.userCode}</strong></p>
        <dl>
          <dt>${texts.t('consent.name')}</dt>
          <dd>${texts.t('consent.unverified', { client })}</dd>
          <dt>${texts.t('consent.clientId')}</dt>
          <dd><code>${view.clientId}</code></dd>
        </dl>
      </section>
      <p class="warning">${texts.t('device.warning')}</p>
      ${view.isWarnedAbout ? html`<p class="warning">${texts.t('consent.warned')}</p>` : ''}
      <form method="post" action="${view.action}">
        <input type="hidden" name="xsrf" value="${view.csrfToken}" />
        <input type="hidden" name="user_code" value="${view.userCode}" />
        <button class="primary" type="submit" name="confirm" value="yes">
          ${texts.t('device.confirm')}
        </button>
        <button class="deny" type="submit" name="abort" value="yes">
          ${texts.t('device.abort')}
        </button>
      </form>`,
    texts,
  );
}

/** The end of it, in the browser: the device goes on by itself. */
export function renderDeviceDonePage(
  view: { readonly isAllowed: boolean; readonly clientName: string | undefined },
  texts: PageTexts = textsOf('en'),
): Promise<string> {
  const client = view.clientName ?? texts.t('consent.unnamed');
  const title = texts.t(view.isAllowed ? 'device.doneTitle' : 'device.abortedTitle');
  return renderPage(
    title,
    html`<h1>${title}</h1>
      <section>
        <p>${view.isAllowed ? texts.t('device.done', { client }) : texts.t('device.aborted')}</p>
      </section>`,
    texts,
  );
}
