import { Provider, type Configuration, type KoaContextWithOIDC, type errors } from 'oidc-provider';
import { isRedirectUriMatch } from '../oauth/redirect-uri.js';
import { devicePolling } from './grants/device-polling.js';
import { type RegisterGrantsParts, registerGrants } from './grants/register-grants.js';
import { assertNoDevelopmentDefaults } from './provider-configuration.js';
import { tokenTransaction } from './token-transaction.js';

/**
 * The protocol engine, with what its configuration cannot express.
 *
 * @throws {DevelopmentDefaultError} when it would run on a development default
 */
export function createEngine(configuration: Configuration, parts: RegisterGrantsParts): Provider {
  assertNoDevelopmentDefaults(configuration);
  const { issuer, stores, clock, logger } = parts.options;
  const provider = new Provider(issuer, configuration);
  // The gateway pins host and scheme to the issuer's; nothing a client sent gets here.
  provider.proxy = true;
  registerGrants(provider, parts);
  provider.use(devicePolling({ counters: stores.counters, clock }) as never);
  provider.use(tokenTransaction({ stores, clock, logger }) as never);
  // One rule for redirect URIs in the whole project, in place of the engine's.
  provider.Client.prototype.redirectUriAllowed = redirectUriAllowed;
  const report = (ctx: KoaContextWithOIDC, error: errors.OIDCProviderError) =>
    logger.info('authorization request refused', {
      path: ctx.path,
      error: error.error,
      detail: error.error_detail ?? error.error_description,
      clientId: ctx.oidc?.client?.clientId,
    });
  provider.on('grant.error', report);
  provider.on('authorization.error', report);
  provider.on('registration_create.error', report);
  provider.on('server_error', (ctx, error) =>
    logger.error('authorization server error', { path: ctx.path, error }),
  );
  // Koa's own event, for what no handler of the engine caught.
  (provider as NodeJS.EventEmitter).on('error', (error) =>
    logger.error('authorization server error', { error }),
  );
  return provider;
}

function redirectUriAllowed(this: { readonly redirectUris?: string[] }, uri: string): boolean {
  return (this.redirectUris ?? []).some((registered) => isRedirectUriMatch(registered, uri));
}
