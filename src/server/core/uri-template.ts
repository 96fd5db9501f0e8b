/** A compiled URI template: tells whether a URI fits and what its variables are. */
export interface UriTemplate {
  readonly variables: readonly string[];
  /** @returns the decoded variables, or undefined when the URI does not fit */
  match(uri: string): Readonly<Record<string, string>> | undefined;
}

const MAX_URI_CHARS = 2048;
const EXPRESSION = /\{(\+?)([A-Za-z_][A-Za-z0-9_]*)\}/g;

/**
 * Compiles a template of RFC 6570 level 1 (`{name}`: one path segment, percent-decoded) and reserved expansion
 * (`{+name}`: the rest, slashes included). A URI over 2048 characters fits no template.
 *
 * @throws {TypeError} on any other expression, on a variable given twice, on two expressions without text between them
 */
export function compileUriTemplate(template: string): UriTemplate {
  const variables: string[] = [];
  let pattern = '';
  let end = 0;
  for (const match of template.matchAll(EXPRESSION)) {
    const [whole, reserved, name = ''] = match;
    const text = template.slice(end, match.index);
    if (variables.includes(name) || (text === '' && end > 0)) throw unsupported(template);
    variables.push(name);
    // No nested repetition, and text between any two groups: matching stays polynomial, and the URI is short.
    pattern += escapeRegExp(text) + (reserved === '+' ? '([^?#]+)' : '([^/?#]+)');
    end = match.index + whole.length;
  }
  const rest = template.slice(end);
  const source = `^${pattern}${escapeRegExp(rest)}$`;
  if (template.replace(EXPRESSION, '').match(/[{}]/) !== null) throw unsupported(template);
  const expression = new RegExp(source);
  return {
    variables,
    match(uri) {
      if (uri.length > MAX_URI_CHARS) return undefined;
      const found = expression.exec(uri);
      if (found === null) return undefined;
      const values: Record<string, string> = {};
      for (const [position, name] of variables.entries()) {
        const value = decode(found[position + 1] ?? '');
        if (value === undefined) return undefined;
        values[name] = value;
      }
      return values;
    },
  };
}

function unsupported(template: string): TypeError {
  return new TypeError(
    `URI template ${JSON.stringify(template)} uses what is not supported: write {name} or {+name}, each once, with text between them`,
  );
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
