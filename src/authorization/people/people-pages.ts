import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import type { Sealer } from '../../shared/sealing.js';
import { createBackchannelLogout } from '../federation/backchannel-logout.js';
import { createCallbackHandler, createLogoutHandler } from '../federation/callback-handler.js';
import { type Federation, createFederation } from '../federation/federation.js';
import { createInteractionHandler } from '../interaction-handler.js';
import { type Locations, ROUTES } from '../locations.js';
import type { ResolvedOptions } from '../options.js';
import type { ResourceRegistry } from '../resources.js';
import { createAccountHandler } from './account-handler.js';
import { createAccountSessions } from './account-sessions.js';
import { createConnectedApps } from './connected-apps.js';
import type { AuthorizationEvent } from './events.js';
import { createLocalUsers } from './local-users.js';
import { createSignInDesk } from './sign-in-desk.js';
import { resolveSignIn } from './sign-in-options.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** What people see of the server, and what identity providers send to it. */
export interface PeoplePages {
  readonly interaction: Handler;
  readonly account: Handler;
  readonly callback: Handler;
  readonly upstreamLogout: Handler;
}

/** @throws {TypeError} when an identity provider does not fit its profile */
export function createFederationFor(
  options: ResolvedOptions,
  locations: Locations,
  resources: ResourceRegistry,
  sealer: Sealer,
): Federation {
  const { providers, fetch } = resolveSignIn(options.signIn);
  return createFederation({
    ...options,
    providers,
    fetch,
    sealer,
    callbackUrl: locations.urlOf(ROUTES.upstreamCallback),
    openToAll: locations.isLoopback,
    allScopes: resources.scopes,
    otherIssuers: (options.grants?.identityAssertions?.issuers ?? []).map(({ issuer }) => issuer),
  });
}

export function createPeoplePages(parts: {
  readonly provider: Provider;
  readonly options: ResolvedOptions;
  readonly locations: Locations;
  readonly resources: ResourceRegistry;
  readonly sealer: Sealer;
  readonly federation: Federation;
}): PeoplePages {
  const { options, locations, federation } = parts;
  const { stores, clock, logger } = options;
  const record = async (event: AuthorizationEvent): Promise<void> => {
    try {
      await options.onEvent?.(event);
    } catch (error) {
      logger.error('an event was not recorded', { kind: event.kind, error });
    }
  };
  const desk = createSignInDesk({
    signIn: resolveSignIn(options.signIn),
    federation,
    localUsers: createLocalUsers(stores, clock),
    stores,
  });
  const apps = createConnectedApps({ ...parts, stores, clock });
  const sessions = createAccountSessions({ ...parts, artifacts: stores.artifacts, clock });
  const addressOf = (request: IncomingMessage): string =>
    options.clientAddress?.(request) ?? request.socket.remoteAddress ?? 'unknown';
  const shared = { ...parts, desk, addressOf, record };
  return {
    interaction: createInteractionHandler(shared),
    account: createAccountHandler({ ...shared, sessions, apps }),
    callback: createCallbackHandler(federation, locations),
    upstreamLogout: createLogoutHandler(
      createBackchannelLogout({ federation, stores, apps, clock, logger, record }),
    ),
  };
}
