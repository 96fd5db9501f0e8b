import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { isWarnedAbout } from '../clients/trust.js';
import type { Locations } from '../locations.js';
import { ROUTES } from '../locations.js';
import {
  renderDeviceCodePage,
  renderDeviceConfirmPage,
  renderDeviceDonePage,
} from '../pages/device-page.js';
import { type PageTexts, chooseTexts } from '../pages/language.js';
import { PAGE_HEADERS } from '../pages/layout.js';
import type { TextKey } from '../pages/texts/en.js';

/** Eight letters of 20 that cannot be mistaken for each other: 25 billion codes, of which few are alive. */
const MASK = '****-****';

const prefills = new WeakMap<object, string>();

/** Remembers the code of the link a device shows (`verification_uri_complete`): it is filled in, never sent by itself. */
export function rememberPrefill(request: object, userCode: string): void {
  prefills.set(request, userCode);
}

/** The pages on which a person types or compares the code of a device, and says whether it may go on. */
export function deviceFeature(
  isEnabled: boolean,
  locations: Locations,
): NonNullable<NonNullable<Configuration['features']>['deviceFlow']> {
  const action = `${locations.basePath}${ROUTES.device}`;
  return {
    enabled: isEnabled,
    charset: 'base-20',
    mask: MASK,
    // Nothing of the device's request is kept: anybody can send anything in it.
    deviceInfo: () => ({}),
    async userCodeInputSource(ctx, _form, out, error) {
      if (error !== undefined && (await isWithoutSession(ctx))) {
        // The form's token went with the session: a new page, with a new one.
        ctx.status = 303;
        ctx.redirect(`${action}${prefillQuery(ctx)}`);
        return;
      }
      const problem = problemOf(out?.error, error);
      await show(ctx, (texts) =>
        problem === 'device.aborted'
          ? renderDeviceDonePage({ isAllowed: false, clientName: undefined }, texts)
          : renderDeviceCodePage(
              { action, csrfToken: csrfTokenOf(ctx), userCode: prefills.get(ctx.req), problem },
              texts,
            ),
      );
    },
    async userCodeConfirmSource(ctx, _form, client, _info, userCode) {
      await show(ctx, (texts) =>
        renderDeviceConfirmPage(
          {
            action,
            csrfToken: csrfTokenOf(ctx),
            clientName: client.clientName,
            clientId: client.clientId,
            userCode,
            isWarnedAbout: isWarnedAbout(client),
          },
          texts,
        ),
      );
    },
    async successSource(ctx) {
      const clientName = ctx.oidc.client?.clientName;
      await show(ctx, (texts) => renderDeviceDonePage({ isAllowed: true, clientName }, texts));
    },
  };
}

async function show(
  ctx: KoaContextWithOIDC,
  render: (texts: PageTexts) => Promise<string>,
): Promise<void> {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) ctx.set(name, value);
  ctx.type = 'html';
  ctx.body = await render(chooseTexts({ acceptLanguage: ctx.headers['accept-language'] }));
}

function csrfTokenOf(ctx: KoaContextWithOIDC): string {
  const state = ctx.oidc.session?.state as { secret?: unknown } | undefined;
  return String(state?.secret);
}

/** A browser that came without a session, or with one that is over: there is nothing that could be kept in it. */
async function isWithoutSession(ctx: KoaContextWithOIDC): Promise<boolean> {
  const { session } = ctx.oidc;
  if (session === undefined || typeof session.exp === 'number') return false;
  await session.destroy();
  return true;
}

function prefillQuery(ctx: KoaContextWithOIDC): string {
  const userCode = ctx.oidc.params?.['user_code'];
  return typeof userCode === 'string' && isPlausibleCode(userCode)
    ? `?${new URLSearchParams({ user_code: userCode }).toString()}`
    : '';
}

/** Whether a text could be a code: anything else is not worth being shown again. */
export function isPlausibleCode(text: string): boolean {
  return /^[\w -]{1,20}$/.test(text);
}

/** One text for every code that does not work: the page must not help to find those that do. */
function problemOf(code: string | undefined, error: unknown): TextKey | undefined {
  if (error === undefined) return undefined;
  switch ((error as Error).name) {
    case 'AbortedError':
      return 'device.aborted';
    case 'NotFoundError':
    case 'ExpiredError':
    case 'AlreadyUsedError':
    case 'NoCodeError':
      return 'device.unknownCode';
    default:
      return code === 'invalid_request' ? 'device.startAgain' : 'error.unknown';
  }
}
