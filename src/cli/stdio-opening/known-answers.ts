import { type JsonObject, isJsonObject } from '../../shared/json.js';

/** What the server answered when it was built, up to the id: by protocol version, then by method. */
export type Answers = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The line to send for a message, `id` undefined when it is one that has no answer. */
interface Answer {
  readonly id: string | number | undefined;
  readonly text: string;
}

/** @returns undefined for every message that is not exactly one of the known ones */
export type Answerer = (line: string) => Answer | undefined;

const MODERN = '2026-07-28';
const META = 'io.modelcontextprotocol/';
const INITIALIZED: Answer = { id: undefined, text: '' };

/**
 * Knows the first messages of a conversation in both eras by sight. It refuses nothing and judges nothing: what it
 * does not know is for the server.
 */
export function createAnswerer(answers: Answers): Answerer {
  // The version of the session, once a 2025 client has opened one; null once a message of the other era came.
  let version: string | null | undefined;

  const known = (of: string, method: string): string | undefined => {
    const methods = Object.hasOwn(answers, of) ? answers[of] : undefined;
    return methods !== undefined && Object.hasOwn(methods, method) ? methods[method] : undefined;
  };

  const find = (method: string, params: unknown): string | undefined => {
    if (method === 'initialize') {
      const asked = version === undefined ? openedVersion(params) : undefined;
      const text = asked === undefined ? undefined : known(asked, method);
      if (text !== undefined) version = asked;
      return text;
    }
    if (isModernParams(params)) {
      if (typeof version === 'string') return undefined;
      version = null;
      return known(MODERN, method);
    }
    if (typeof version !== 'string') return undefined;
    return isEmpty(params) ? known(version, method) : undefined;
  };

  return (line) => {
    const message = parse(line);
    if (message === undefined || message['jsonrpc'] !== '2.0') return undefined;
    const { id, method, params, ...others } = message;
    if (typeof method !== 'string' || Object.keys(others).length !== 1) return undefined;
    if (method === 'notifications/initialized' && typeof version === 'string') {
      return !('id' in message) && isEmpty(params) ? INITIALIZED : undefined;
    }
    if (typeof id !== 'string' && !Number.isSafeInteger(id)) return undefined;
    const text = find(method, params);
    if (text === undefined) return undefined;
    return { id: id as string | number, text: `${text}${JSON.stringify(id)}}` };
  };
}

function parse(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEmpty(params: unknown): boolean {
  return params === undefined || (isJsonObject(params) && Object.keys(params).length === 0);
}

function isModernParams(params: unknown): boolean {
  if (!isJsonObject(params) || !hasOnly(params, ['_meta'])) return false;
  const meta = params['_meta'];
  if (!isJsonObject(meta)) return false;
  const {
    [`${META}protocolVersion`]: version,
    [`${META}clientCapabilities`]: capabilities,
    [`${META}clientInfo`]: clientInfo,
    ...others
  } = meta;
  return (
    version === MODERN &&
    isPlainCapabilities(capabilities) &&
    (clientInfo === undefined || isPlainClientInfo(clientInfo)) &&
    Object.keys(others).length === 0
  );
}

function openedVersion(params: unknown): string | undefined {
  if (!isJsonObject(params)) return undefined;
  if (!hasOnly(params, ['protocolVersion', 'capabilities', 'clientInfo'])) return undefined;
  const { protocolVersion, capabilities, clientInfo } = params;
  const isPlain = isPlainCapabilities(capabilities) && isPlainClientInfo(clientInfo);
  return isPlain && typeof protocolVersion === 'string' ? protocolVersion : undefined;
}

/** Those that clients have, with nothing in them that a schema could refuse. */
function isPlainCapabilities(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  return Object.entries(value).every(([name, capability]) => {
    if (!isJsonObject(capability)) return false;
    switch (name) {
      case 'roots':
        return (
          hasOnly(capability, ['listChanged']) &&
          ['boolean', 'undefined'].includes(typeof capability['listChanged'])
        );
      case 'sampling':
        return hasOnly(capability, ['context', 'tools']) && Object.values(capability).every(isBare);
      case 'elicitation':
        return hasOnly(capability, ['form', 'url']) && Object.values(capability).every(isBare);
      case 'extensions':
      case 'experimental':
        return Object.values(capability).every(isJsonObject);
      default:
        return false;
    }
  });
}

function isBare(value: unknown): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0;
}

function isPlainClientInfo(value: unknown): boolean {
  if (!isJsonObject(value) || !hasOnly(value, ['name', 'version', 'title'])) return false;
  const { name, version, title = '' } = value;
  return [name, version, title].every((text) => typeof text === 'string');
}

function hasOnly(object: JsonObject, names: readonly string[]): boolean {
  return Object.keys(object).every((name) => names.includes(name));
}
