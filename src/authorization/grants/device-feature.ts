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
