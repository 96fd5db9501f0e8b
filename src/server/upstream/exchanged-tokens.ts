import { type SafeFetch, createSafeFetch } from '../../net/safe-fetch.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { type Clock, nowSeconds, systemClock } from '../../shared/clock.js';
import { quote } from '../../shared/errors.js';
import { type Result, err, ok } from '../../shared/result.js';
import type {
  StoredTokenFailure,
  StoredUpstreamToken,
  StoredUpstreamTokens,
} from '../core/upstream.js';
import { UpstreamCredentialError } from './errors.js';
import { type InboundTokens, inboundTokenOf } from './inbound-tokens.js';
import { requestToken } from './token-endpoint.js';

export interface ExchangedTokensOptions {
  /** The authorization server that issued the tokens which come in; https, or http on loopback. */
  readonly issuer: string;
  /** Name of that issuer in principals: others' tokens are not sent to it. */
  readonly identity: string;
  /** Default: `/token` of the issuer. Has to be on the issuer's own origin. */
  readonly tokenEndpoint?: string;
  /** This server as a client of the issuer. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** Has to be the one that the authenticator fills. */
  readonly inboundTokens: InboundTokens;
  readonly clock?: Clock;
  /** For tests. Default: one that reaches the issuer's host alone. */
  readonly fetch?: SafeFetch;
}

type Found = Result<StoredUpstreamToken, StoredTokenFailure>;

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const EARLY_SECONDS = 30;
/** A principal is in use for a minute or so: what is kept for it goes with it. */
const MAX_KEPT_SECONDS = 60;

/**
 * Tokens that people got from an identity provider and that the authorization server keeps, for a server that runs apart
 * from it: in exchange for the token that the person's client showed (RFC 8693). That token goes back to its own issuer
 * and nowhere else. Callers with an API key have none.
 *
 * @throws {TypeError} when the issuer or its token endpoint cannot be used
 */
export function createExchangedTokens(options: ExchangedTokensOptions): StoredUpstreamTokens {
  const { identity, clientId, clientSecret, clock = systemClock } = options;
  const tokenEndpoint = endpointOf(options);
  const fetch =
    options.fetch ??
    createSafeFetch({
      allowLoopback: isLoopbackUrl(tokenEndpoint),
      trustedHosts: [new URL(tokenEndpoint).host],
    });
  const running = new WeakMap<object, Map<string, { found: Promise<Found>; until: number }>>();

  const exchange = async (token: string, provider: string): Promise<Found> => {
    const endpoint = { tokenEndpoint, clientId, clientSecret, audience: provider };
    const form = {
      grant_type: GRANT,
      subject_token: token,
      subject_token_type: ACCESS_TOKEN,
      requested_token_type: ACCESS_TOKEN,
    };
    try {
      return ok(await requestToken(provider, endpoint, form, { fetch, clock }));
    } catch (error) {
      if (!(error instanceof UpstreamCredentialError)) throw error;
      if (error.reason === 'unavailable') return err('unavailable');
      // Nothing is kept for the person (RFC 8693 §2.2.2). Any other refusal is about this server: its owner has to know.
      if (error.oauthError === 'invalid_target') return err('none');
      throw error;
    }
  };

  return {
    async tokenFor(person, provider) {
      const token =
        person.issuer === identity ? inboundTokenOf(options.inboundTokens, person) : undefined;
      if (token === undefined) return err('none');
      const known =
        running.get(person) ?? new Map<string, { found: Promise<Found>; until: number }>();
      running.set(person, known);
      const now = nowSeconds(clock);
      const earlier = known.get(provider);
      if (earlier !== undefined && earlier.until > now) return earlier.found;
      const entry = { found: exchange(token, provider), until: now + MAX_KEPT_SECONDS };
      known.set(provider, entry);
      const forget = (): void => {
        if (known.get(provider) === entry) known.delete(provider);
      };
      try {
        const found = await entry.found;
        if (!found.ok) forget();
        else if (found.value.expiresAt !== undefined) {
          entry.until = Math.min(entry.until, found.value.expiresAt - EARLY_SECONDS);
        }
        return found;
      } catch (error) {
        forget();
        throw error;
      }
    },
  };
}

function endpointOf({
  issuer,
  tokenEndpoint = `${issuer.replace(/\/$/, '')}/token`,
}: ExchangedTokensOptions): string {
  for (const url of [issuer, tokenEndpoint]) {
    const isUsable =
      URL.canParse(url) &&
      (new URL(url).protocol === 'https:' ||
        (new URL(url).protocol === 'http:' && isLoopbackUrl(url)));
    if (!isUsable)
      throw new TypeError(`${quote(url)} is not an https URL: tokens are not sent there`);
  }
  if (new URL(tokenEndpoint).origin !== new URL(issuer).origin) {
    throw new TypeError(
      `the token endpoint ${quote(tokenEndpoint)} is not on the origin of ${quote(issuer)}: a token goes back to its issuer alone`,
    );
  }
  return tokenEndpoint;
}
