// The suite imports `globSync` from `fs`, which Node 20 does not have and its test legs never call. This loader gives
// the suite's own modules an `fs` with that name in it. Loaded with --import, so nothing under test inherits it.
import { register } from 'node:module';

const source = `
  const NAME = 'conformance:fs';
  export async function resolve(specifier, context, next) {
    const asksForFs = specifier === 'fs' || specifier === 'node:fs';
    const isSuite = context.parentURL?.includes('/@modelcontextprotocol/conformance/') ?? false;
    return asksForFs && isSuite ? { url: NAME, shortCircuit: true } : next(specifier, context);
  }
  export async function load(url, context, next) {
    if (url !== NAME) return next(url, context);
    const module = "export * from 'node:fs'; import fs from 'node:fs'; export default fs;" +
      " export const globSync = () => { throw new Error('globSync is not in this Node'); };";
    return { format: 'module', shortCircuit: true, source: module };
  }
`;
if (!('globSync' in (await import('node:fs')))) {
  register(`data:text/javascript,${encodeURIComponent(source)}`);
}
