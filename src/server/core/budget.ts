import { createHash } from 'node:crypto';
import type { Clock } from '../../shared/clock.js';
import { canonicalJson, isJsonObject } from '../../shared/json.js';
import { type SealingSecret, createSealer } from '../../shared/sealing.js';
import type { ContentBlock, ToolDefinition } from './define.js';
import type { ResultStore } from './kept-results.js';
import { DEFAULT_CALL_LIMITS } from './limits.js';
import { CURSOR_ARGUMENT, CURSOR_MEMBER, cutPage, listMember } from './pages.js';
import { type Principal, principalKey } from './principal.js';
import { type ResultKeeper, createResultKeeper } from './result-keeper.js';

/** A checked result on its way out. */
export interface SizedResult {
  readonly content: readonly ContentBlock[];
  readonly structured: unknown;
  /** The content is the JSON of the structure, and nothing else. */
  readonly isMirrored: boolean;
  readonly isError: boolean;
}

/** Whose result it is, and of what. */
export interface ResultOf {
  readonly tool: ToolDefinition;
  readonly principal: Principal | undefined;
  /** Without the cursor. */
  readonly args: unknown;
  /** Where the page starts that was asked for. */
  readonly start: number;
}

export type PageRequest =
  | { readonly ok: true; readonly args: unknown; readonly start: number }
  | { readonly ok: false; readonly message: string };

export interface ResultBudgetOptions {
  /** Bytes; 0 for no limit. Default 32,768. */
  readonly maxResultBytes?: number | undefined;
  /** Undefined: what is too large and no list is answered with what to do instead. */
  readonly results?: ResultStore | undefined;
  readonly stateSecret: SealingSecret;
  readonly clock: Clock;
}

/** Keeps tool results below a size: as pages of a list, as a link, or as an answer that says how large it was. */
export class ResultBudget {
  readonly keeper: ResultKeeper | undefined;
  readonly #maxBytes: number;
  readonly #seal: (start: number, context: string) => string;
  readonly #open: (cursor: string, context: string) => string | undefined;

  constructor({ maxResultBytes, results, stateSecret, clock }: ResultBudgetOptions) {
    const limit = maxResultBytes ?? DEFAULT_CALL_LIMITS.maxResultBytes ?? 0;
    this.#maxBytes = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    this.keeper = results && createResultKeeper(results, stateSecret, clock);
    const sealer = createSealer(stateSecret, 'result-page');
    this.#seal = (start, context) => sealer.seal(String(start), context);
    this.#open = (cursor, context) => sealer.open(cursor, context);
  }

  /** Takes the cursor out of the arguments of a tool whose list is cut. */
  pageOf(tool: ToolDefinition, args: unknown, principal: Principal | undefined): PageRequest {
    if (listMember(tool) === undefined || !isJsonObject(args) || !(CURSOR_ARGUMENT in args)) {
      return { ok: true, args, start: 0 };
    }
    const { [CURSOR_ARGUMENT]: cursor, ...rest } = args;
    const context = contextOf(tool, principal, rest);
    const opened = typeof cursor === 'string' ? this.#open(cursor, context) : undefined;
    if (opened !== undefined) return { ok: true, args: rest, start: Number(opened) };
    return {
      ok: false,
      message: `This cursor is not one of ${tool.name} with these arguments. Pass ${CURSOR_MEMBER} of the last page and repeat the other arguments, or leave ${CURSOR_ARGUMENT} out.`,
    };
  }

  /** The result as it may be sent; the same one when it is small enough. */
  fit(result: SizedResult, of: ResultOf): SizedResult | Promise<SizedResult> {
    const { tool, start } = of;
    if (tool.budget === 'off') return result;
    const isTextSmall = isTextWithin(result, this.#maxBytes);
    const isStructureSmall = result.isMirrored
      ? isTextSmall
      : isStructureWithin(result, this.#maxBytes);
    if (start === 0 && isTextSmall && isStructureSmall) return result;
    const list = listMember(tool);
    if (list !== undefined && !result.isError) {
      const page = cutPage(result.structured, list, start, this.#maxBytes);
      if (page !== undefined) return this.#toPage(page, of);
    }
    return this.#toLink(result, isStructureSmall, of);
  }

  #toPage(page: NonNullable<ReturnType<typeof cutPage>>, of: ResultOf): SizedResult {
    const { start, end, total } = page;
    const context = contextOf(of.tool, of.principal, of.args);
    const structured =
      end < total
        ? { ...page.structured, [CURSOR_MEMBER]: this.#seal(end, context) }
        : page.structured;
    const more =
      end < total
        ? ` There is more: call ${of.tool.name} again with the same arguments and ${CURSOR_ARGUMENT} set to ${CURSOR_MEMBER}.`
        : '';
    const note =
      start >= total
        ? `Nothing is left: the list has ${total} items now.`
        : `Items ${start + 1} to ${end} of ${total}.${more}`;
    return {
      content: [
        { type: 'text', text: JSON.stringify(structured) },
        { type: 'text', text: note },
      ],
      structured,
      isMirrored: false,
      isError: false,
    };
  }

  /** @param isStructureSmall - then the text is what is too large, and the structure can go out */
  async #toLink(
    result: SizedResult,
    isStructureSmall: boolean,
    { tool, principal }: ResultOf,
  ): Promise<SizedResult> {
    const json = isStructureSmall ? undefined : JSON.stringify(result.structured);
    const structured = isStructureSmall ? result.structured : undefined;
    const text = json ?? result.content.map(textIn).join('\n');
    const bytes = Buffer.byteLength(text);
    const size = `The result of ${tool.name} takes ${bytes} bytes, more than the ${this.#maxBytes} that are sent.`;
    const mimeType = json === undefined ? 'text/plain' : 'application/json';
    const kept = await this.keeper?.keep(text, mimeType, principal, this.#maxBytes);
    const others = result.content.filter((block) => textIn(block) === '');
    if (kept === undefined) {
      const advice = `${size} Nothing of it was sent: ask for less.`;
      const content = [{ type: 'text', text: advice }, ...others];
      return { content, structured: undefined, isMirrored: false, isError: true };
    }
    const { uri, partCount, ttlSeconds } = kept;
    const last = uri.replace(/1$/, String(partCount));
    const where =
      partCount === 1 ? `as the resource ${uri}` : `in ${partCount} parts, from ${uri} to ${last}`;
    const note = `${size} It is kept for you ${where}, for ${ttlSeconds / 60} minutes. Read it there, or ask for less.`;
    const link = { type: 'resource_link', uri, name: `result of ${tool.name}`, mimeType };
    return {
      content: [{ type: 'text', text: note }, link, ...others],
      structured,
      isMirrored: false,
      // A result without the structure that the tool promises is none: clients refuse it.
      isError: result.isError || (tool.output !== undefined && structured === undefined),
    };
  }
}

function contextOf(tool: ToolDefinition, principal: Principal | undefined, args: unknown): string {
  const digest = createHash('sha256')
    .update(canonicalJson(args ?? null))
    .digest('base64url');
  return JSON.stringify([principal && principalKey(principal), tool.name, digest]);
}

/** What a model reads of a block; binary content is for people and counts nothing. */
function textIn(block: ContentBlock): string {
  if (block.type === 'text' && typeof block['text'] === 'string') return block['text'];
  const { resource } = block;
  return isJsonObject(resource) && typeof resource['text'] === 'string' ? resource['text'] : '';
}

/** The length in UTF-16 decides nearly always: a unit takes at most three bytes. */
function isTextWithin({ content }: SizedResult, maxBytes: number): boolean {
  let chars = 0;
  for (const block of content) chars += textIn(block).length;
  if (chars * 3 <= maxBytes) return true;
  let bytes = 0;
  for (const block of content) bytes += Buffer.byteLength(textIn(block));
  return bytes <= maxBytes;
}

function isStructureWithin({ structured }: SizedResult, maxBytes: number): boolean {
  if (structured === undefined) return true;
  let json: string;
  try {
    json = JSON.stringify(structured);
  } catch {
    // Not JSON, a BigInt for one: who writes it down says so.
    return true;
  }
  return json.length * 3 <= maxBytes || Buffer.byteLength(json) <= maxBytes;
}
