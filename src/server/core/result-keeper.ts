import { type Clock, nowSeconds } from '../../shared/clock.js';
import { randomId } from '../../shared/ids.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import { type SealingSecret, createSealer } from '../../shared/sealing.js';
import { type ResourceTemplateDefinition, defineResourceTemplate } from './define.js';
import type { ResultStore } from './kept-results.js';
import { type Principal, principalKey } from './principal.js';
import { textOf } from './policy.js';
import type { Registry } from './registry.js';

/** Where a result can be read that was too large to be sent. */
interface KeptLink {
  /** Of the first part; the number of the part is its end. */
  readonly uri: string;
  readonly partCount: number;
  readonly ttlSeconds: number;
}

/** Keeps large results for the caller they are for. */
export interface ResultKeeper {
  /** @returns undefined when the text is too large to be kept */
  keep(
    text: string,
    mimeType: string,
    principal: Principal | undefined,
    partBytes: number,
  ): Promise<KeptLink | undefined>;
  /** A registry with what serves the links. The same one for the same registry. */
  addTo(registry: Registry): Registry;
  sweep(): Promise<void>;
}

const TEMPLATE = 'result://{id}/{part}';
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
const MAX_PER_OWNER = 16;
const TTL_SECONDS = 15 * 60;
const ID_BYTES = 24;
const OPEN_MAX_BYTES = 16 * 1024 * 1024;

/** @param secret - at least 16 bytes, the same in every process: parts are sealed with it */
export function createResultKeeper(
  store: ResultStore,
  secret: SealingSecret,
  clock: Clock,
): ResultKeeper {
  const sealer = createSealer(secret, 'kept-result');
  const template: ResourceTemplateDefinition = defineResourceTemplate({
    uriTemplate: TEMPLATE,
    name: 'kept-result',
    title: 'Kept result',
    description:
      'A part of a tool result that was too large to send. Links to it come from the tool and are good for its caller, for 15 minutes.',
    scopes: [],
    async read({ id = '', part = '' }, { principal }) {
      const partNo = /^[1-9]\d{0,5}$/.test(part) ? Number(part) : undefined;
      if (partNo === undefined) return undefined;
      const owner = ownerOf(principal);
      const found = await store.find(id, partNo, owner, nowSeconds(clock));
      const opened = found && sealer.open(found.part, contextOf(id, partNo, owner));
      const parsed =
        opened === undefined ? undefined : parseJson(opened, { maxBytes: OPEN_MAX_BYTES });
      if (parsed?.ok !== true || !isJsonObject(parsed.value)) return undefined;
      const { mimeType, text } = parsed.value;
      return [{ mimeType: textOf(mimeType), text: textOf(text) }];
    },
  });
  const extended = new WeakMap<Registry, Registry>();
  return {
    async keep(text, mimeType, principal, partBytes) {
      const texts = Buffer.byteLength(text) > MAX_KEPT_BYTES ? [] : splitText(text, partBytes);
      if (texts.length === 0) return undefined;
      const id = randomId(ID_BYTES);
      const owner = ownerOf(principal);
      const parts = texts.map((part, index) =>
        sealer.seal(JSON.stringify({ mimeType, text: part }), contextOf(id, index + 1, owner)),
      );
      const expiresAt = nowSeconds(clock) + TTL_SECONDS;
      await store.keep({ id, owner, parts, expiresAt }, MAX_PER_OWNER);
      return { uri: `result://${id}/1`, partCount: parts.length, ttlSeconds: TTL_SECONDS };
    },
    addTo(registry) {
      const known = extended.get(registry);
      if (known !== undefined) return known;
      const resourceTemplates = new Map(registry.resourceTemplates).set(TEMPLATE, template);
      const made = { ...registry, resourceTemplates };
      extended.set(registry, made);
      return made;
    },
    async sweep() {
      await store.deleteExpired(nowSeconds(clock));
    },
  };
}

function ownerOf(principal: Principal | undefined): string {
  return principal === undefined ? '' : principalKey(principal);
}

function contextOf(id: string, partNo: number, owner: string): string {
  return JSON.stringify([id, partNo, owner]);
}

/** Cuts a text into parts of at most so many UTF-8 bytes, never inside a character. */
function splitText(text: string, maxBytes: number): string[] {
  const bytes = Buffer.from(text);
  const parts: string[] = [];
  for (let start = 0; start < bytes.length;) {
    let end = Math.min(bytes.length, start + maxBytes);
    // Back to the first byte of a character: the others are 10xxxxxx.
    while (end < bytes.length && end > start && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
    parts.push(bytes.toString('utf8', start, end));
    start = end;
  }
  return parts;
}
