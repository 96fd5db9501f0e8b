import { parseAst } from 'vitest/node';

/** A test as it stands in a source file. */
export interface TestTitle {
  readonly title: string;
  /** Whether it, or a block around it, is left out, conditional, unwritten or expected to fail. */
  readonly isSkipped: boolean;
}

const TEST_FUNCTIONS = new Set(['it', 'test']);
const BLOCK_FUNCTIONS = new Set(['describe', 'suite']);
const LEAVES_OUT = new Set(['skip', 'skipIf', 'runIf', 'todo', 'fails']);

interface AstNode {
  readonly type: string;
  readonly [member: string]: unknown;
}

/**
 * The tests of a source file by their titles, `it.each` templates as they are written. A title that is put together
 * at run time has none and is left out: nobody can cite it.
 *
 * @param source - TypeScript; what does not parse throws
 */
export function readTestTitles(source: string): TestTitle[] {
  const found: TestTitle[] = [];
  visit(parseAst(source, { lang: 'ts' }) as unknown as AstNode, false, found);
  return found;
}

function visit(node: AstNode, isSkipped: boolean, found: TestTitle[]): void {
  let isInside = isSkipped;
  if (node.type === 'CallExpression') {
    const { name, modifiers } = calledFunction(node['callee'] as AstNode);
    const isTest = TEST_FUNCTIONS.has(name);
    if (isTest || BLOCK_FUNCTIONS.has(name)) {
      const callArguments = node['arguments'] as readonly AstNode[];
      isInside ||= modifiers.some((it) => LEAVES_OUT.has(it)) || callArguments.some(saysSkip);
      const title = isTest ? textOf(callArguments[0]) : undefined;
      if (title !== undefined) found.push({ title, isSkipped: isInside });
    }
  }
  for (const member of Object.values(node)) {
    for (const child of Array.isArray(member) ? (member as unknown[]) : [member]) {
      if (isNode(child)) visit(child, isInside, found);
    }
  }
}

/** The function at the root of `it`, `it.each(...)`, `it.skipIf(x).each(...)` and what stands between. */
function calledFunction(callee: AstNode): {
  readonly name: string;
  readonly modifiers: readonly string[];
} {
  const modifiers: string[] = [];
  let at = callee;
  for (;;) {
    if (at.type === 'MemberExpression') {
      modifiers.push(String((at['property'] as AstNode)['name']));
      at = at['object'] as AstNode;
    } else if (at.type === 'CallExpression') {
      at = at['callee'] as AstNode;
    } else if (at.type === 'TaggedTemplateExpression') {
      at = at['tag'] as AstNode;
    } else {
      return { name: at.type === 'Identifier' ? String(at['name']) : '', modifiers };
    }
  }
}

/** Whether an options argument leaves the test out: `{ skip: true }` and its like. */
function saysSkip(argument: AstNode): boolean {
  if (argument.type !== 'ObjectExpression') return false;
  return (argument['properties'] as readonly AstNode[]).some((property) => {
    const key = property['key'];
    return isNode(key) && LEAVES_OUT.has(String(key['name'] ?? key['value']));
  });
}

function textOf(node: AstNode | undefined): string | undefined {
  if (node?.type === 'Literal' && typeof node['value'] === 'string') return node['value'];
  if (node?.type !== 'TemplateLiteral') return undefined;
  const parts = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[];
  return parts.length === 1 ? parts[0]?.value.cooked : undefined;
}

function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'type' in value;
}
