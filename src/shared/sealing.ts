import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** Encrypts small values for storage. `context` is authenticated, so a value cannot be moved to another place. */
export interface Sealer {
  /** @returns base64url of iv, tag and ciphertext */
  seal(plaintext: string, context: string): string;
  /** @returns the plaintext, or undefined when the value was altered, moved or sealed under another key */
  open(sealed: string, context: string): string | undefined;
}

/** One secret, or, while it is being replaced, several: the first seals and signs, all of them open and verify. */
export type SealingSecret =
  | string
  | Uint8Array
  | readonly [string | Uint8Array, ...(string | Uint8Array)[]];

/**
 * AES-256-GCM under a key that HKDF-SHA-256 derives from `secret` for one `purpose`.
 *
 * @param secret - at least 16 bytes of entropy each; it is never stored by this function
 * @param purpose - names the use; two purposes never share a key
 * @see RFC 5869, NIST SP 800-38D
 */
export function createSealer(secret: SealingSecret, purpose: string): Sealer {
  const keys = deriveKeys(secret, purpose);
  return {
    seal(plaintext, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', keys[0], iv).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
      for (const key of keys) {
        const opened = openWith(key, bytes, context);
        if (opened !== undefined) return opened;
      }
      return undefined;
    },
  };
}

function openWith(key: Buffer, bytes: Buffer, context: string): string | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES))
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  try {
    const body = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES));
    return Buffer.concat([body, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

/** The key of each secret for one purpose, in the order of the secrets. */
export function deriveKeys(secret: SealingSecret, purpose: string): [Buffer, ...Buffer[]] {
  if (typeof secret === 'string' || secret instanceof Uint8Array) {
    return [deriveKey(secret, purpose)];
  }
  const [first, ...others] = secret;
  return [deriveKey(first, purpose), ...others.map((other) => deriveKey(other, purpose))];
}

/** A 256-bit key for one purpose (HKDF-SHA-256, no salt: the secret is already uniform). */
export function deriveKey(secret: string | Uint8Array, purpose: string): Buffer {
  if (secret.length < 16) throw new TypeError('secret is shorter than 16 bytes');
  return Buffer.from(hkdfSync('sha256', secret, '', `catalog-mcp:${purpose}`, KEY_BYTES));
}
