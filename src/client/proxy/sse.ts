import { StringDecoder } from 'node:string_decoder';

export interface ServerEvent {
  readonly data: string;
  /** `id` of the event: where a broken stream is taken up again. */
  readonly id: string | undefined;
  /** Only `message` events carry JSON-RPC. */
  readonly type: string;
}

/**
 * Reads a stream of server-sent events, chunk by chunk.
 *
 * @see WHATWG HTML, server-sent events, parsing
 */
export class EventReader {
  readonly #decoder = new StringDecoder('utf8');
  readonly #maxBytes: number;
  #rest = '';
  #data: string[] = [];
  #size = 0;
  #type = '';
  #id: string | undefined;
  #isFirst = true;
  /** Milliseconds the server asks a client to wait before it connects again. */
  retryMs: number | undefined;

  /** @param maxBytes - limit on one event */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @returns the events that are complete now; one with empty data only says where the stream is
   * @throws {RangeError} when an event is larger than the limit
   */
  push(chunk: Buffer): ServerEvent[] {
    let text = this.#rest + this.#decoder.write(chunk);
    if (this.#isFirst && text !== '') {
      this.#isFirst = false;
      if (text.startsWith('\uFEFF')) text = text.slice(1);
    }
    const events: ServerEvent[] = [];
    let start = 0;
    for (;;) {
      const end = indexOfLineEnd(text, start);
      // A lone CR at the end may be half of a CRLF.
      if (end === -1 || (text[end] === '\r' && end === text.length - 1)) break;
      const event = this.#line(text.slice(start, end));
      if (event !== undefined) events.push(event);
      start = end + (text[end] === '\r' && text[end + 1] === '\n' ? 2 : 1);
    }
    this.#rest = start === 0 ? text : text.slice(start);
    if (this.#rest.length + this.#size > this.#maxBytes) {
      throw new RangeError(`an event of the server is larger than ${this.#maxBytes} bytes`);
    }
    return events;
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const raw = colon === -1 ? '' : line.slice(colon + 1);
    const value = raw.startsWith(' ') ? raw.slice(1) : raw;
    if (field === 'data') {
      this.#data.push(value);
      this.#size += value.length + 1;
    } else if (field === 'event') this.#type = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    const [data, type] = [this.#data, this.#type];
    this.#data = [];
    this.#type = '';
    this.#size = 0;
    if (data.length === 0 && this.#id === undefined) return undefined;
    return { data: data.join('\n'), id: this.#id, type: type === '' ? 'message' : type };
  }
}

function indexOfLineEnd(text: string, from: number): number {
  const lf = text.indexOf('\n', from);
  const cr = text.indexOf('\r', from);
  if (cr === -1) return lf;
  return lf === -1 ? cr : Math.min(lf, cr);
}
