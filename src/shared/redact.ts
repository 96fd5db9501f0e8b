/** Takes secrets out of what is written down. It is the last wall: secrets should not get this far. */
export interface Redactor {
  /** A text without the secrets that are known, or that look like one. */
  text(value: string): string;
  /** A copy for JSON: members whose name says that they are secret are masked, texts are cleaned, depth and length bounded. */
  value(value: unknown): unknown;
}

export const MASK = '[redacted]';

const MAX_DEPTH = 8;
const MAX_ITEMS = 100;
const MAX_TEXT = 8192;
const MIN_SECRET = 8;

/** Names of members that hold a secret, in lower case without separators. */
const SECRET_NAMES = new Set([
  'accesstoken',
  'apikey',
  'assertion',
  'authorization',
  'authorizationcode',
  'bearer',
  'clientassertion',
  'clientsecret',
  'codeverifier',
  'cookie',
  'cookies',
  'credential',
  'credentials',
  'devicecode',
  'idtoken',
  'jwt',
  'mastersecret',
  'passphrase',
  'password',
  'passwd',
  'privatekey',
  'proxyauthorization',
  'refreshtoken',
  'registrationaccesstoken',
  'requeststate',
  'secret',
  'secrets',
  'sessiontoken',
  'setcookie',
  'subjecttoken',
  'actortoken',
  'token',
  'tokens',
  'usercode',
  'xapikey',
]);

/** Whether a member of that name is taken for a secret, however it is spelled: `api_key`, `apiKey`, `API-KEY`. */
export function isSecretName(name: string): boolean {
  return SECRET_NAMES.has(name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''));
}

const PEM = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const SCHEME = /\b(Bearer|Basic|DPoP)\s+[\w\-.~+/]{6,}=*/gi;
const COMPACT_JWS = /\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*){1,3}/g;
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi;
const PARAMETER =
  /([?&#;\s"']|^)((?:[\w-]*(?:token|secret|password|assertion|verifier|api[_-]?key|device_code|user_code|requestState)|code|state|nonce))(=|%3D)[^&\s"'#;]+/gi;
const JSON_MEMBER =
  /("(?:[\w-]*(?:token|secret|password|assertion|verifier|api[_-]?key)|code|authorization|cookie)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi;
const API_KEY = /\bcmcp_[\w-]{12,}/g;
// Codes, refresh tokens, session ids: long, and of three kinds of characters. Hexadecimal ids and words are not.
const OPAQUE = /(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{40,}/g;

/**
 * @param secrets - texts that must not appear anywhere, such as the master secret; those under 8 characters are ignored,
 *   for they would mask ordinary words
 */
export function createRedactor(secrets: readonly (string | undefined)[] = []): Redactor {
  const known = secrets.filter(
    (secret): secret is string => secret !== undefined && secret.length >= MIN_SECRET,
  );
  const text = (value: string): string => {
    let clean = value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
    for (const secret of known) clean = clean.replaceAll(secret, MASK);
    return clean
      .replaceAll(PEM, MASK)
      .replaceAll(SCHEME, `$1 ${MASK}`)
      .replaceAll(API_KEY, MASK)
      .replaceAll(COMPACT_JWS, MASK)
      .replaceAll(USER_INFO, `$1:${MASK}@`)
      .replaceAll(PARAMETER, `$1$2$3${MASK}`)
      .replaceAll(JSON_MEMBER, `$1"${MASK}"`)
      .replaceAll(OPAQUE, MASK);
  };
  const clean = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
    if (typeof value === 'function') return undefined;
    if (typeof value !== 'object' || value === null) return value;
    if (depth === 0) return '…';
    if (value instanceof Error) return describeError(value, text);
    if (value instanceof URL) return text(value.href);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
    if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
    if (Array.isArray(value)) {
      return value.slice(0, MAX_ITEMS).map((item) => clean(item, depth - 1));
    }
    const entries =
      value instanceof Map
        ? [...value].map(([name, member]) => [String(name), member] as const)
        : Object.entries(value);
    return Object.fromEntries(
      entries
        .slice(0, MAX_ITEMS)
        .map(([name, member]) => [
          name,
          isSecretName(name) &&
          member !== undefined &&
          member !== null &&
          typeof member !== 'boolean'
            ? MASK
            : clean(member, depth - 1),
        ]),
    );
  };
  return { text, value: (value) => clean(value, MAX_DEPTH) };
}

const MAX_CAUSES = 5;

/** Name and message of an error and of what caused it. */
function describeError(error: Error, text: (value: string) => string): string {
  const parts: string[] = [];
  for (
    let cause: unknown = error;
    cause instanceof Error && parts.length < MAX_CAUSES;
    cause = cause.cause
  ) {
    parts.push(text(`${cause.name}: ${cause.message}`));
  }
  return parts.join('; caused by ');
}
