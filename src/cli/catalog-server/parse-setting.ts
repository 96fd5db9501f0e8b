import { isLoopbackUrl } from '../../oauth/loopback.js';
import { ToolkitError, quote } from '../../shared/errors.js';

/** A setting that cannot be used. The message names the flag, the value and what would work. */
export class ConfigurationError extends ToolkitError {
  readonly code = 'ERR_CONFIGURATION';
}

export function parseWhole(flag: string, value: string, minimum: number, maximum: number): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= minimum && number <= maximum)) {
    throw new ConfigurationError(
      `${flag} ${quote(value)} is not a whole number from ${minimum} to ${maximum}`,
    );
  }
  return number;
}

export function parseUrl(flag: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new ConfigurationError(`${flag} ${quote(value)} is not an absolute http(s) URL`);
  }
  if (url.protocol === 'http:' && !isLoopbackUrl(url)) {
    throw new ConfigurationError(`${flag} ${quote(value)} has to be https: it is not on loopback`);
  }
  return value;
}

export function parseOrigin(flag: string, value: string): string {
  const url = new URL(parseUrl(flag, value));
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new ConfigurationError(
      `${flag} ${quote(value)} has a path: give the origin alone, like ${quote(url.origin)}`,
    );
  }
  return url.origin;
}
