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

/**
 * AES-256-GCM under a key that HKDF-SHA-256 derives from `secret` for one `purpose`.
 *
 * @param secret - at least 16 bytes of entropy; it is never stored by this function
 * @param purpose - names the use; two purposes never share a key
 * @see RFC 5869, NIST SP 800-38D
 */
export function createSealer(secret: string | Uint8Array, purpose: string): Sealer {
  const key = deriveKey(secret, purpose);
  return {
    seal(plaintext, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES))
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      try {
        const body = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES));
        return Buffer.concat([body, decipher.final()]).toString('utf8');
      } catch {
        return undefined;
      }
    },
  };
}

/** A 256-bit key for one purpose (HKDF-SHA-256, no salt: the secret is already uniform). */
export function deriveKey(secret: string | Uint8Array, purpose: string): Buffer {
  if (secret.length < 16) throw new TypeError('secret is shorter than 16 bytes');
  return Buffer.from(hkdfSync('sha256', secret, '', `catalog-mcp:${purpose}`, KEY_BYTES));
}
