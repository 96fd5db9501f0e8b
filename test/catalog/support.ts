import { fileURLToPath } from 'node:url';
import { type Catalog, createCatalog } from '../../src/catalog/index.js';
import { type CourseRecord, parseCourseRecord } from '../../src/catalog/domain/course.js';
import type { CatalogStore } from '../../src/catalog/domain/ports.js';
import { seedSampleCatalog } from '../../src/catalog/sample.js';
import type { ToolContext } from '../../src/server/core/context.js';
import type { ToolResult } from '../../src/server/core/define.js';
import type { Principal } from '../../src/server/core/principal.js';
import type { Clock } from '../../src/shared/clock.js';
import { createSqliteCatalogStore } from '../../src/storage/sqlite/catalog-store.js';
import { type SqliteDatabase, openSqlite } from '../../src/storage/sqlite/database.js';
import { migrate } from '../../src/storage/sqlite/migrate.js';

export const DATA_FOLDER: string = fileURLToPath(new URL('../../data', import.meta.url));
export const CURSOR_SECRET: Uint8Array = new Uint8Array(32).fill(7);
export const clock: Clock = { nowMs: () => Date.parse('2026-11-20T10:00:00Z') };

export function emptyStore(): { database: SqliteDatabase; store: CatalogStore } {
  const database = openSqlite(':memory:');
  migrate(database);
  return { database, store: createSqliteCatalogStore(database) };
}

export async function sampleStore(): Promise<{ database: SqliteDatabase; store: CatalogStore }> {
  const opened = emptyStore();
  await seedSampleCatalog(opened.store, { dataFolder: DATA_FOLDER, clock });
  return opened;
}

export function courseRecord(fields: Record<string, unknown>): CourseRecord {
  const parsed = parseCourseRecord(
    {
      title: 'A course',
      provider: 'Test School',
      subject: 'tests',
      level: 'beginner',
      language: 'en',
      duration_min: 60,
      ...fields,
    },
    'test',
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

export function principalOf(fields: Partial<Principal> = {}): Principal {
  return {
    issuer: 'local',
    subject: 'demo-nora',
    tenant: 'alderbrook',
    scopes: ['catalog:read', 'learner:read', 'learner:write', 'enrollment:write'],
    clientId: 'test',
    method: 'oauth',
    expiresAt: undefined,
    ...fields,
  };
}

/** A fake: no transport is behind it, nothing is asked, logged or reported anywhere. */
export function fakeToolContext(principal: Principal | undefined): ToolContext {
  return {
    principal,
    era: 'modern',
    clock,
    signal: new AbortController().signal,
    clientCapabilities: {},
    ask: () => Promise.reject(new Error('the fake context answers no questions')),
    log: () => Promise.resolve(),
    progress: () => Promise.resolve(),
    beginTask: () => Promise.resolve(),
    closeStream: () => undefined,
    upstream() {
      throw new TypeError('a catalog tool calls nothing upstream');
    },
  };
}

export type Structured = Record<string, unknown> & { readonly courses: Record<string, unknown>[] };

export interface CatalogUnderTest {
  readonly catalog: Catalog;
  call(name: string, args: object, principal?: Principal): Promise<ToolResult>;
  /** Calls, checks the result against the output schema, and returns what is structured. */
  ask(name: string, args: object, principal?: Principal): Promise<Structured>;
  /** Calls a tool that has to fail, and returns its text. */
  fail(name: string, args: object, principal?: Principal): Promise<string>;
}

export function catalogOver(store: CatalogStore): CatalogUnderTest {
  const catalog = createCatalog({ store, clock, cursorSecret: CURSOR_SECRET });
  const call: CatalogUnderTest['call'] = async (name, args, principal = principalOf()) => {
    const tool = catalog.tools.find((candidate) => candidate.name === name);
    if (tool?.input === undefined) throw new Error(`no tool ${name}`);
    const parsed = await tool.input['~standard'].validate(args);
    if (parsed.issues !== undefined) throw new Error(JSON.stringify(parsed.issues));
    const result = await tool.handler(parsed.value, fakeToolContext(principal));
    if (result.isError !== true) {
      const checked = await tool.output?.['~standard'].validate(result.structured);
      if (checked?.issues !== undefined) throw new Error(JSON.stringify(checked.issues));
    }
    return result;
  };
  return {
    catalog,
    call,
    async ask(name, args, principal) {
      const result = await call(name, args, principal);
      if (result.isError === true) throw new Error(JSON.stringify(result.content));
      return result.structured as Structured;
    },
    async fail(name, args, principal) {
      const result = await call(name, args, principal);
      if (result.isError !== true) throw new Error('expected an error result');
      const text = result.content?.[0]?.['text'];
      if (typeof text !== 'string') throw new Error('expected a text');
      return text;
    },
  };
}

export function idsOf(result: Structured): string[] {
  return result.courses.map((course) => String(course['id']));
}
