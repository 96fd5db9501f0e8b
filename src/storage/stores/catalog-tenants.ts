import { type Scope, SHARED_TENANT } from '../../catalog/domain/scope.js';
import { type SqlEngine, type SqlProgram, actAsTenant, all, get, lock, run } from '../sql.js';

/** The tenants of one call as storage numbers them. */
export interface TenantView {
  readonly own: number;
  /** Granted catalogs first, the own one last: later entries win when both have a course id. */
  readonly visible: readonly number[];
  /** Those whose transition counts may be read: the own ones, and the published ones of the shared catalog. */
  readonly counted: readonly number[];
}

/** The only way to the tables of the catalog: every program runs as one tenant, in one transaction. */
export interface TenantDirectory {
  read<T>(scope: Scope, work: (view: TenantView) => SqlProgram<T>): Promise<T>;
  write<T>(scope: Scope, work: (view: TenantView) => SqlProgram<T>): Promise<T>;
}

const SHARED_NO = 0;

/** Numbers tenants, each at first sight; a new tenant is granted the shared catalog. */
export function createTenantDirectory(engine: SqlEngine): TenantDirectory {
  // A number never changes once given, so it may be remembered; grants may change and are read each time.
  const numbers = new Map<string, number>([[SHARED_TENANT, SHARED_NO]]);
  const numberOf = async (slug: string): Promise<number> => {
    const known =
      numbers.get(slug) ??
      (await engine.run(() => findNumber(slug))) ??
      (await engine.write(() => addTenant(slug)));
    numbers.set(slug, known);
    return known;
  };
  return {
    async read(scope, work) {
      const own = await numberOf(scope.tenant);
      return engine.read(asTenant(own, work));
    },
    async write(scope, work) {
      const own = await numberOf(scope.tenant);
      return engine.write(asTenant(own, work));
    },
  };
}

function asTenant<T>(own: number, work: (view: TenantView) => SqlProgram<T>): () => SqlProgram<T> {
  return function* () {
    yield* actAsTenant(own);
    const view = yield* readView(own);
    return yield* work(view);
  };
}

function* readView(own: number): SqlProgram<TenantView> {
  const rows = yield* all<{ source_tenant_id: number }>(
    `SELECT source_tenant_id FROM catalog_grant WHERE tenant_id = ? ORDER BY source_tenant_id`,
    own,
  );
  const granted = rows.map((row) => row.source_tenant_id).filter((tenant) => tenant !== own);
  const seesShared = granted.includes(SHARED_NO);
  return {
    own,
    visible: [...granted, own],
    counted: seesShared ? [SHARED_NO, own] : [own],
  };
}

function* findNumber(slug: string): SqlProgram<number | undefined> {
  const row = yield* get<{ tenant_id: number }>(
    `SELECT tenant_id FROM tenant WHERE slug = ?`,
    slug,
  );
  return row?.tenant_id;
}

function* addTenant(slug: string): SqlProgram<number> {
  yield* lock('tenants');
  const raced = yield* findNumber(slug);
  if (raced !== undefined) return raced;
  const row = yield* get<{ next: number }>(`SELECT MAX(tenant_id) + 1 AS next FROM tenant`);
  const tenant = row?.next ?? 1;
  yield* run(
    `INSERT INTO tenant (tenant_id, slug, name, settings, default_lang) VALUES (?, ?, ?, '{}', 'en')`,
    tenant,
    slug,
    slug,
  );
  yield* actAsTenant(tenant);
  yield* run(
    `INSERT INTO catalog_grant (tenant_id, source_tenant_id) VALUES (?, ?)`,
    tenant,
    SHARED_NO,
  );
  return tenant;
}

/** What the work finds for each of the tenants, in their order. */
export function* collect<T>(
  tenants: readonly number[],
  work: (tenant: number) => SqlProgram<readonly T[]>,
): SqlProgram<T[]> {
  const found: T[] = [];
  for (const tenant of tenants) found.push(...(yield* work(tenant)));
  return found;
}

/** Writers of one tenant's courses and vocabulary wait for each other. */
export function lockCatalog(tenant: number): SqlProgram<undefined> {
  return lock(`catalog ${tenant}`);
}

/** The bounds of `column >= ? AND column < ?` that mean "starts with". */
export function startOf(prefix: string): [string, string] {
  return [prefix, `${prefix}\u{10FFFF}`];
}
