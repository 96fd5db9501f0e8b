import { createHash, randomBytes, randomInt } from 'node:crypto';

declare const brand: unique symbol;

/** A string that the compiler does not mix up with another kind of string. */
export type Branded<Name extends string> = string & { readonly [brand]: Name };

/**
 * A new unguessable identifier: base64url, without padding. Its first character is not `-`: people give ids to
 * commands, which would take such a one for an option.
 *
 * @param bytes - random bytes behind it. Default 32 (256 bits); a value that grants access needs at least 16
 */
export function randomId(bytes = 32): string {
  for (;;) {
    const id = randomBytes(bytes).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

/** SHA-256 of a text, base64url: what storage keeps in place of a bearer value. */
export function hashId(value: string): string {
  return createHash('sha256').update(value).digest('base64url');
}

/** A number that no other process picks: below 2^47, so that it is exact in JSON everywhere. */
export function randomNumber(): number {
  return randomInt(1, 2 ** 47);
}
