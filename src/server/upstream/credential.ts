declare const upstream: unique symbol;

/**
 * A credential for one upstream. It has no member that holds the secret, and none can be made of a text outside this
 * file and its callers in this folder: an access token that came in is not one, for the compiler and at run time.
 */
export interface UpstreamCredential {
  readonly [upstream]: true;
  /** Epoch seconds; undefined when nobody says. */
  readonly expiresAt: number | undefined;
}

/** How a credential is sent. */
export interface CredentialHeader {
  /** Default `authorization`. */
  readonly name?: string;
  /** Put before the secret, with a space. Default `Bearer` in `authorization`, nothing elsewhere. */
  readonly scheme?: string;
}

const secrets = new WeakMap<UpstreamCredential, string>();

/** @internal For the sources of credentials alone. */
export function sealCredential(secret: string, expiresAt: number | undefined): UpstreamCredential {
  const credential = Object.freeze({ expiresAt }) as UpstreamCredential;
  secrets.set(credential, secret);
  return credential;
}

/**
 * @internal For the fetch of an upstream alone.
 * @throws {TypeError} when it was not made here
 */
export function headerOf(
  credential: UpstreamCredential,
  { name = 'authorization', scheme }: CredentialHeader,
): readonly [name: string, value: string] {
  const secret = secrets.get(credential);
  if (secret === undefined) throw new TypeError('this is no credential of an upstream');
  const prefix = scheme ?? (name.toLowerCase() === 'authorization' ? 'Bearer' : '');
  return [name, prefix === '' ? secret : `${prefix} ${secret}`];
}
