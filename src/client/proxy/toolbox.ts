import { type JsonObject, type JsonValue, isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import { printable } from '../token-endpoint.js';
import { definitionHash, diffDefinitions, pinnedPart } from './definition-diff.js';
import type { Memory, PinnedTool } from './memory.js';
import { type MirroredArgument, mirrorHeaders, mirroredArguments } from './param-headers.js';

export interface ToolboxOptions {
  readonly memory: Memory;
  /** Patterns with `*`. Undefined: every tool. */
  readonly allow: readonly string[] | undefined;
  readonly deny: readonly string[];
  /** Withholds a tool whose definition changed, until somebody takes the change. */
  readonly isStrict: boolean;
  /** Takes every definition as it is now. */
  readonly isAccepting: boolean;
  readonly logger: Logger;
  /** Told once for each change that is seen. */
  readonly onChange: (tool: string, diff: readonly string[]) => void;
}

interface KnownTool {
  readonly definition: JsonObject;
  readonly plan: readonly MirroredArgument[];
}

const MAX_TOOLS = 5_000;

/** What the proxy knows of the server's tools: which may be used, which have changed, which may be called twice. */
export class Toolbox {
  readonly #options: ToolboxOptions;
  readonly #isAllowed: (name: string) => boolean;
  readonly #known = new Map<string, KnownTool>();
  readonly #withheld = new Map<string, string>();
  #pins: Promise<Map<string, PinnedTool>> | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** Whether every page has been seen since the last change. */
  isComplete = false;

  constructor(options: ToolboxOptions) {
    this.#options = options;
    const allow = options.allow?.map(patternOf);
    const deny = options.deny.map(patternOf);
    this.#isAllowed = (name) =>
      (allow === undefined || allow.some((pattern) => pattern.test(name))) &&
      !deny.some((pattern) => pattern.test(name));
  }

  get isStrict(): boolean {
    return this.#options.isStrict;
  }

  /** The same page of `tools/list` without the tools that are not to be used. */
  async admit(result: JsonObject, needsHeaders: boolean): Promise<JsonObject> {
    const { tools } = result;
    if (!Array.isArray(tools)) return result;
    const pins = await this.#readPins();
    const fresh: Record<string, PinnedTool> = {};
    const admitted = (tools as readonly JsonValue[]).filter((tool) => {
      if (!isJsonObject(tool) || typeof tool['name'] !== 'string') return true;
      const { name } = tool;
      if (!this.#isAllowed(name)) return false;
      const plan = mirroredArguments(tool['inputSchema']);
      if (!plan.ok && needsHeaders) {
        this.#options.logger.warn('tool withheld: the server describes its headers wrongly', {
          tool: printable(name, 128),
          reason: plan.error,
        });
        return false;
      }
      if (this.#known.size < MAX_TOOLS || this.#known.has(name)) {
        this.#known.set(name, { definition: tool, plan: plan.ok ? plan.value : [] });
      }
      return this.#checkPin(name, tool, pins, fresh);
    });
    if (Object.keys(fresh).length > 0) this.#keep(pins, fresh);
    return { ...result, tools: admitted };
  }

  /** @returns why the tool may not be called, or undefined */
  refusalFor(name: string): string | undefined {
    if (!this.#isAllowed(name)) {
      return `the tool ${JSON.stringify(name)} is filtered out by this proxy's --allow-tool and --deny-tool`;
    }
    return this.#withheld.get(name);
  }

  /** Whether calling it twice does no more than calling it once, as the server says. */
  isRepeatable(name: string): boolean {
    const annotations = this.#known.get(name)?.definition['annotations'];
    return (
      isJsonObject(annotations) &&
      (annotations['readOnlyHint'] === true || annotations['idempotentHint'] === true)
    );
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  headersFor(name: string, args: JsonValue | undefined): Record<string, string> | undefined {
    const plan = this.#known.get(name)?.plan;
    return plan === undefined || plan.length === 0 ? undefined : mirrorHeaders(plan, args);
  }

  /** What was listed may be out of date. */
  invalidate(): void {
    this.isComplete = false;
  }

  /** Settled when everything seen is on disk. */
  flushed(): Promise<void> {
    return this.#writing;
  }

  #checkPin(
    name: string,
    tool: JsonObject,
    pins: Map<string, PinnedTool>,
    fresh: Record<string, PinnedTool>,
  ): boolean {
    const { isStrict, isAccepting } = this.#options;
    const now = pinnedPart(tool);
    const pin = pins.get(name);
    const isSame = pin !== undefined && JSON.stringify(pin.definition) === JSON.stringify(now);
    if (isSame || pin === undefined || isAccepting) {
      this.#withheld.delete(name);
      if (!isSame) fresh[name] = { definition: now };
      return true;
    }
    const hash = definitionHash(now);
    const diff = diffDefinitions(pin.definition, now);
    if (isStrict) {
      this.#withheld.set(
        name,
        `the definition of the tool ${JSON.stringify(name)} is not the one that was accepted:\n${diff.join('\n')}\nTo take it, start the proxy once with --accept-tools`,
      );
    }
    if (pin.shown !== hash || isStrict) this.#options.onChange(name, diff);
    if (pin.shown !== hash) fresh[name] = { ...pin, shown: hash };
    return !isStrict;
  }

  #readPins(): Promise<Map<string, PinnedTool>> {
    this.#pins ??= this.#options.memory.read().then(({ tools }) => new Map(Object.entries(tools)));
    return this.#pins;
  }

  #keep(pins: Map<string, PinnedTool>, fresh: Readonly<Record<string, PinnedTool>>): void {
    const { memory, isAccepting, logger } = this.#options;
    const before = new Map(Object.keys(fresh).map((name) => [name, pins.get(name)]));
    for (const [name, pin] of Object.entries(fresh)) pins.set(name, pin);
    const write = (): Promise<void> =>
      memory.update((current) => {
        const tools = { ...current.tools };
        for (const [name, pin] of Object.entries(fresh)) {
          const earlier = tools[name];
          // Of processes that start together the first one's view is the pin of all.
          const isUntouched = JSON.stringify(earlier) === JSON.stringify(before.get(name));
          if (isUntouched || isAccepting) tools[name] = pin;
        }
        return { ...current, tools };
      });
    this.#writing = this.#writing
      .then(write)
      .catch((error: unknown) => logger.warn('tool definitions are not pinned', { error }));
  }
}

/** `*` stands for any text; everything else for itself. */
function patternOf(text: string): RegExp {
  const escaped = text.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`, 's');
}
