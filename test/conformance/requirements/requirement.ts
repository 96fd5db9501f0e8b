/** A test that proves a requirement: its file from the project's root, its title exactly as it stands in the source. */
export interface CitedTest {
  readonly file: string;
  /** For `it.each`, the template: `answers %s with a challenge`. */
  readonly title: string;
}

/** One thing a specification asks of a server. */
export interface Requirement {
  /** Short and stable: tests name it in square brackets. */
  readonly id: string;
  readonly level: 'MUST' | 'SHOULD' | 'MAY';
  /** The page or section that asks for it. */
  readonly source: string;
  readonly behaviour: string;
  readonly tests: readonly CitedTest[];
  /** Why no test of this project can prove or break it. */
  readonly exemption?: string;
  /** What is missing, while the server does not do it. */
  readonly gap?: string;
}

const SITE = 'https://modelcontextprotocol.io/specification';

/** A page of MCP 2026-07-28. */
export function modern(page: string): string {
  return `${SITE}/2026-07-28/${page}`;
}

/** A page of MCP 2025-11-25. */
export function legacy(page: string): string {
  return `${SITE}/2025-11-25/${page}`;
}

export function rfc(number: number, section: string): string {
  return `https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`;
}

/** The tests of one file, by title. */
export function inFile(file: string, ...titles: readonly string[]): CitedTest[] {
  return titles.map((title) => ({ file, title }));
}
