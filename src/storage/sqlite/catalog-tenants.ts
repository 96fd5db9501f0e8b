import { type Scope, SHARED_TENANT } from '../../catalog/domain/scope.js';
import type { SqliteDatabase } from './database.js';

/** The tenants of one call as storage numbers them. */
export interface TenantView {
  readonly own: number;
  /** Granted catalogs first, the own one last: later entries win when both have a course id. */
  readonly visible: readonly number[];
  /** Those whose transition counts may be read: the own ones, and the published ones of the shared catalog. */
  readonly counted: readonly number[];
}

export interface TenantDirectory {
  view(scope: Scope): TenantView;
}

const SHARED_NO = 0;

/** Numbers tenants, each at first sight; a new tenant is granted the shared catalog. */
export function createTenantDirectory(database: SqliteDatabase): TenantDirectory {
  // A number never changes once given, so it may be remembered; grants may change and are read each time.
  const numbers = new Map<string, number>([[SHARED_TENANT, SHARED_NO]]);
  const numberOf = (slug: string): number => {
    const known = numbers.get(slug) ?? findNumber(database, slug) ?? addTenant(database, slug);
    numbers.set(slug, known);
    return known;
  };
  return {
    view(scope) {
      const own = numberOf(scope.tenant);
      const granted = database
        .all<{ source_tenant_id: number }>(
          `SELECT source_tenant_id FROM catalog_grant WHERE tenant_id = ? ORDER BY source_tenant_id`,
          own,
        )
        .map((row) => row.source_tenant_id)
        .filter((tenant) => tenant !== own);
      const seesShared = granted.includes(SHARED_NO);
      return {
        own,
        visible: [...granted, own],
        counted: seesShared ? [SHARED_NO, own] : [own],
      };
    },
  };
}

function findNumber(database: SqliteDatabase, slug: string): number | undefined {
  return database.get<{ tenant_id: number }>(`SELECT tenant_id FROM tenant WHERE slug = ?`, slug)
    ?.tenant_id;
}

function addTenant(database: SqliteDatabase, slug: string): number {
  return database.transaction(() => {
    const raced = findNumber(database, slug);
    if (raced !== undefined) return raced;
    const row = database.get<{ next: number }>(`SELECT MAX(tenant_id) + 1 AS next FROM tenant`);
    const tenant = row?.next ?? 1;
    database.run(
      `INSERT INTO tenant (tenant_id, slug, name, settings, default_lang) VALUES (?, ?, ?, '{}', 'en')`,
      tenant,
      slug,
      slug,
    );
    database.run(
      `INSERT INTO catalog_grant (tenant_id, source_tenant_id) VALUES (?, ?)`,
      tenant,
      SHARED_NO,
    );
    return tenant;
  });
}
