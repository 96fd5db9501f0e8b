import { createHash } from 'node:crypto';
import { isLoopbackUrl } from '../oauth/loopback.js';

/** Paths under the issuer. The engine serves those that `routes` of its configuration names. */
export const ROUTES = {
  authorization: '/authorize',
  token: '/token',
  registration: '/register',
  deviceAuthorization: '/device_authorization',
  /** The page where a person types the code of a device. */
  device: '/device',
  revocation: '/revoke',
  introspection: '/introspect',
  jwks: '/jwks',
  interaction: '/interaction',
  /** Where identity providers send browsers back to, and where they say that somebody has signed out there. */
  upstreamCallback: '/idp/callback',
  upstreamLogout: '/idp/logout',
  /** "Your connected apps". */
  account: '/account',
} as const;

/** Where everything of one issuer lives. */
export interface Locations {
  readonly issuer: string;
  readonly origin: string;
  readonly isHttps: boolean;
  readonly isLoopback: boolean;
  /** Path of the issuer without trailing slash; empty for an issuer at the root. */
  readonly basePath: string;
  /** Absolute paths on this origin that answer with the metadata document. */
  readonly metadataPaths: ReadonlySet<string>;
  /** Absolute paths on this origin that answer with the public keys. */
  readonly jwksPaths: ReadonlySet<string>;
  readonly cookieNames: {
    readonly session: string;
    readonly interaction: string;
    readonly resume: string;
    readonly account: string;
  };
  /** The URL of a path under the issuer. */
  urlOf(path: string): string;
}

/**
 * @throws {TypeError} when the issuer is not an https URL (http on loopback) without query and fragment, or has user
 * information
 */
export function locate(issuer: string): Locations {
  if (!URL.canParse(issuer)) throw new TypeError(`issuer ${JSON.stringify(issuer)} is not a URL`);
  const url = new URL(issuer);
  const isLoopback = isLoopbackUrl(url);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback)) {
    throw new TypeError(
      `issuer ${JSON.stringify(issuer)} has to be an https URL, or http on localhost, 127.0.0.1 or [::1]`,
    );
  }
  if (/[?#]/.test(issuer) || url.username !== '' || url.password !== '') {
    throw new TypeError(
      `issuer ${JSON.stringify(issuer)} must not have a query, a fragment or user information`,
    );
  }
  const basePath = url.pathname.replace(/\/$/, '');
  const isHttps = url.protocol === 'https:';
  return {
    issuer,
    origin: url.origin,
    isHttps,
    isLoopback,
    basePath,
    metadataPaths: new Set([
      `/.well-known/oauth-authorization-server${basePath}`,
      `/.well-known/openid-configuration${basePath}`,
      `${basePath}/.well-known/oauth-authorization-server`,
      `${basePath}/.well-known/openid-configuration`,
    ]),
    jwksPaths: new Set([`${basePath}${ROUTES.jwks}`, `${basePath}/.well-known/jwks.json`]),
    cookieNames: cookieNames(issuer, isHttps),
    urlOf: (path) => `${url.origin}${basePath}${path}`,
  };
}

/**
 * Cookie prefixes need https (RFC 6265bis §4.1.3). Cookies do not know ports: on plain http, where several servers
 * may share `localhost`, the name carries a mark of the issuer.
 */
function cookieNames(issuer: string, isHttps: boolean): Locations['cookieNames'] {
  const mark = createHash('sha256').update(issuer).digest('hex').slice(0, 8);
  const name = (role: string) => `catalog_${role}_${mark}`;
  return isHttps
    ? {
        session: `__Host-${name('session')}`,
        interaction: `__Secure-${name('interaction')}`,
        resume: `__Secure-${name('resume')}`,
        account: `__Secure-${name('account')}`,
      }
    : {
        session: name('session'),
        interaction: name('interaction'),
        resume: name('resume'),
        account: name('account'),
      };
}
