import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import { nowSeconds } from '../shared/clock.js';
import { canonicalResource } from '../oauth/resource.js';
import type { Broker } from './broker.js';
import { LoginRequiredError } from './errors.js';
import type { Grant } from './grant.js';
import type { RefreshTicket } from './refresh-ticket.js';
import { defer } from './waiting.js';

export interface OAuthProviderOptions {
  readonly broker: Broker;
  /** The MCP endpoint that the provider's client talks to. */
  readonly serverUrl: string;
}

/** How long another library may take between asking for a refresh token and handing the answer over. */
const HANDOVER_LIMIT_MS = 60_000;

interface IssuerContext {
  readonly issuer: string;
}

/**
 * Makes an OAuth provider for a client that is not this project's: those of the MCP SDK, version 1 and 2, and
 * `MultiServerMCPClient`. It hands out the broker's access token, renewed before it ends; on a 401 the client itself
 * sends the refresh request, under the broker's lock.
 *
 * It signs nobody in and opens no browser: call `login` first.
 *
 * @throws {LoginRequiredError} from its methods, when nobody is signed in or the grant has ended
 */
export function createOAuthProvider(options: OAuthProviderOptions): OAuthClientProvider {
  return new BrokerProvider(options);
}

class BrokerProvider implements OAuthClientProvider {
  readonly #broker: Broker;
  readonly #serverUrl: string;
  #handover: Handover | undefined;

  constructor(options: OAuthProviderOptions) {
    this.#broker = options.broker;
    this.#serverUrl = canonicalResource(options.serverUrl);
  }

  /** Undefined tells the client that no person is involved: it then asks `prepareTokenRequest` for the grant. */
  get redirectUrl(): undefined {
    return undefined;
  }

  get clientMetadata(): OAuthClientMetadata {
    return { client_name: 'catalog-client', redirect_uris: [] };
  }

  async clientInformation(ctx?: IssuerContext): Promise<StoredOAuthClientInformation> {
    const { client, issuer } = await this.#requireGrant(ctx?.issuer);
    return {
      client_id: client.clientId,
      ...(client.clientSecret !== undefined && { client_secret: client.clientSecret }),
      ...(client.tokenEndpointAuthMethod !== undefined && {
        token_endpoint_auth_method: client.tokenEndpointAuthMethod,
      }),
      issuer,
    };
  }

  async tokens(ctx?: IssuerContext): Promise<StoredOAuthTokens | undefined> {
    if (ctx === undefined) await this.#broker.accessToken(this.#serverUrl);
    const grant = await this.#broker.findGrant(this.#serverUrl, ctx?.issuer);
    if (grant?.accessToken === undefined) return undefined;
    const now = nowSeconds(this.#broker.clock);
    return {
      access_token: grant.accessToken,
      token_type: 'Bearer',
      ...(grant.expiresAt !== undefined && { expires_in: Math.max(0, grant.expiresAt - now) }),
      ...(grant.scopes.length > 0 && { scope: grant.scopes.join(' ') }),
      issuer: grant.issuer,
    };
  }

  async prepareTokenRequest(): Promise<URLSearchParams> {
    const grant = await this.#requireGrant();
    // A second call that met a 401 waits here, for the lock, until the answer to the first one is stored.
    const handover = await openHandover(this.#broker, grant);
    this.#handover = handover;
    return new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: handover.ticket.refreshToken,
      resource: handover.ticket.grant.resource,
    });
  }

  async saveTokens(tokens: StoredOAuthTokens): Promise<void> {
    const handover = this.#handover;
    if (handover === undefined) return;
    try {
      await handover.ticket.commit({
        accessToken: tokens.access_token,
        ...(tokens.expires_in !== undefined && { expiresIn: tokens.expires_in }),
        ...(tokens.refresh_token !== undefined && { refreshToken: tokens.refresh_token }),
        ...(tokens.scope !== undefined && { scopes: tokens.scope.split(' ') }),
      });
    } finally {
      this.#handover = undefined;
      await handover.finish();
    }
  }

  async invalidateCredentials(): Promise<void> {
    const handover = this.#handover;
    if (handover === undefined) return;
    this.#handover = undefined;
    await handover.ticket.end('the server refuses to renew it');
    await handover.finish();
  }

  redirectToAuthorization(): Promise<void> {
    return Promise.reject(new LoginRequiredError(this.#serverUrl, 'nobody is signed in'));
  }

  saveCodeVerifier(): void {
    // No authorization request starts here.
  }

  codeVerifier(): Promise<string> {
    return Promise.reject(new LoginRequiredError(this.#serverUrl, 'nobody is signed in'));
  }

  async #requireGrant(issuer?: string): Promise<Grant> {
    const grant = await this.#broker.findGrant(this.#serverUrl, issuer);
    if (grant !== undefined && grant.ended === undefined) return grant;
    throw new LoginRequiredError(this.#serverUrl, grant?.ended?.reason ?? 'nobody is signed in');
  }
}

interface Handover {
  readonly ticket: RefreshTicket;
  /** Gives the lock back. */
  finish(): Promise<void>;
}

/** Holds the refresh lock until `finish`, or until the other library has had time enough. */
async function openHandover(broker: Broker, grant: Grant): Promise<Handover> {
  const isOver = defer<void>();
  const opened = defer<RefreshTicket>();
  const held = broker.withRefreshTicket(grant, async (ticket) => {
    const timer = setTimeout(() => isOver.resolve(), HANDOVER_LIMIT_MS);
    timer.unref();
    opened.resolve(ticket);
    await isOver.promise;
    clearTimeout(timer);
  });
  const ticket = await Promise.race([
    opened.promise,
    held.then((): never => {
      throw new TypeError('the refresh lock was given back before it was used');
    }),
  ]);
  // What goes wrong while giving back is of no use to the caller, whose tokens are stored.
  const finished = held.catch(() => undefined);
  return {
    ticket,
    async finish() {
      isOver.resolve();
      await finished;
    },
  };
}
