import type {
  CourseStore,
  NamedMatch,
  RoleRecord,
  SkillRecord,
} from '../../catalog/domain/ports.js';
import type { SkillId } from '../../catalog/domain/scope.js';
import { surfacesOf } from '../../catalog/domain/text-index.js';
import type { TenantDirectory } from './catalog-tenants.js';
import type { SqliteDatabase } from './database.js';

type Vocabulary = Pick<
  CourseStore,
  'importVocabulary' | 'skills' | 'roles' | 'skillsNamed' | 'rolesNamed' | 'labelsStartingWith'
>;

/** Skills and roles, and the spellings they are found by. */
export function createVocabulary(database: SqliteDatabase, tenants: TenantDirectory): Vocabulary {
  return {
    async importVocabulary(scope, { skills, roles }) {
      const tenant = tenants.view(scope).own;
      database.transaction(() => {
        for (const skill of skills) writeSkill(database, tenant, skill);
        for (const role of roles) writeRole(database, tenant, role);
      });
    },
    async skills(scope, ids) {
      return tenants.view(scope).visible.flatMap((tenant) => readSkills(database, tenant, ids));
    },
    async roles(scope, ids) {
      return tenants.view(scope).visible.flatMap((tenant) => readRoles(database, tenant, ids));
    },
    async skillsNamed(scope, surfaces) {
      return tenants.view(scope).visible.flatMap((tenant) => {
        const found = database.all<{ surface: string; skill_id: SkillId }>(
          `SELECT surface, skill_id FROM skill_alias
            WHERE tenant_id = ? AND surface IN (SELECT value FROM json_each(?)) ORDER BY surface, skill_id`,
          tenant,
          JSON.stringify(surfaces),
        );
        const records = readSkills(
          database,
          tenant,
          found.map((row) => row.skill_id),
        );
        return match(
          found.map((row) => [row.surface, row.skill_id]),
          records,
        );
      });
    },
    async rolesNamed(scope, surfaces) {
      return tenants.view(scope).visible.flatMap((tenant) => {
        const found = database.all<{ surface: string; role_id: string }>(
          `SELECT surface, role_id FROM role_alias
            WHERE tenant_id = ? AND surface IN (SELECT value FROM json_each(?)) ORDER BY surface, role_id`,
          tenant,
          JSON.stringify(surfaces),
        );
        const records = readRoles(
          database,
          tenant,
          found.map((row) => row.role_id),
        );
        return match(
          found.map((row) => [row.surface, row.role_id]),
          records,
        );
      });
    },
    async labelsStartingWith(scope, prefix, limit) {
      const labels = tenants
        .view(scope)
        .visible.flatMap((tenant) =>
          [
            `SELECT alias FROM role_alias WHERE tenant_id = ? AND surface >= ? AND surface < ? ORDER BY surface LIMIT ?`,
            `SELECT alias FROM skill_alias WHERE tenant_id = ? AND surface >= ? AND surface < ? ORDER BY surface LIMIT ?`,
          ].flatMap((sql) =>
            database.all<{ alias: string }>(sql, tenant, prefix, `${prefix}\u{10FFFF}`, limit),
          ),
        );
      return [...new Set(labels.map((row) => row.alias))].slice(0, limit);
    },
  };
}

function match<Record extends { readonly id: string }>(
  found: readonly (readonly [string, string])[],
  records: readonly Record[],
): NamedMatch<Record>[] {
  const byId = new Map(records.map((record) => [record.id, record]));
  return found.flatMap(([surface, id]) => {
    const record = byId.get(id);
    return record === undefined ? [] : [{ surface, record }];
  });
}

export function readSkills(
  database: SqliteDatabase,
  tenant: number,
  ids: readonly string[],
): SkillRecord[] {
  const asked = JSON.stringify(ids);
  const aliases = database.all<{ skill_id: string; alias: string }>(
    `SELECT skill_id, alias FROM skill_alias
      WHERE tenant_id = ? AND skill_id IN (SELECT value FROM json_each(?)) ORDER BY surface`,
    tenant,
    asked,
  );
  return database
    .all<{ skill_id: SkillId; label: string }>(
      `SELECT skill_id, label FROM skill
        WHERE tenant_id = ? AND skill_id IN (SELECT value FROM json_each(?)) ORDER BY skill_id`,
      tenant,
      asked,
    )
    .map((row) => ({
      id: row.skill_id,
      label: row.label,
      aliases: aliases
        .filter((alias) => alias.skill_id === row.skill_id && alias.alias !== row.label)
        .map((alias) => alias.alias),
    }));
}

function readRoles(database: SqliteDatabase, tenant: number, ids: readonly string[]): RoleRecord[] {
  const asked = JSON.stringify(ids);
  const skills = database.all<{
    role_id: string;
    skill_id: SkillId;
    level: number;
    weight: number;
  }>(
    `SELECT role_id, skill_id, level, weight FROM role_skill
      WHERE tenant_id = ? AND role_id IN (SELECT value FROM json_each(?))
      ORDER BY role_id, weight DESC, skill_id`,
    tenant,
    asked,
  );
  return database
    .all<{ role_id: string; label: string }>(
      `SELECT role_id, label FROM role
        WHERE tenant_id = ? AND role_id IN (SELECT value FROM json_each(?)) ORDER BY role_id`,
      tenant,
      asked,
    )
    .map((row) => ({
      id: row.role_id,
      label: row.label,
      aliases: [],
      skills: skills
        .filter((skill) => skill.role_id === row.role_id)
        .map((skill) => ({ skill: skill.skill_id, level: skill.level, weight: skill.weight })),
    }));
}

export function writeSkill(database: SqliteDatabase, tenant: number, skill: SkillRecord): void {
  database.run(
    `INSERT INTO skill (tenant_id, skill_id, label) VALUES (?, ?, ?)
      ON CONFLICT (tenant_id, skill_id) DO UPDATE SET label = excluded.label`,
    tenant,
    skill.id,
    skill.label,
  );
  database.run(`DELETE FROM skill_alias WHERE tenant_id = ? AND skill_id = ?`, tenant, skill.id);
  for (const [surface, alias] of surfacesOf(skill.label, [
    ...skill.aliases,
    skill.id.replaceAll('-', ' '),
  ])) {
    database.run(
      `INSERT INTO skill_alias (tenant_id, surface, skill_id, alias) VALUES (?, ?, ?, ?)`,
      tenant,
      surface,
      skill.id,
      alias,
    );
  }
}

function writeRole(database: SqliteDatabase, tenant: number, role: RoleRecord): void {
  database.run(
    `INSERT INTO role (tenant_id, role_id, label) VALUES (?, ?, ?)
      ON CONFLICT (tenant_id, role_id) DO UPDATE SET label = excluded.label`,
    tenant,
    role.id,
    role.label,
  );
  database.run(`DELETE FROM role_alias WHERE tenant_id = ? AND role_id = ?`, tenant, role.id);
  database.run(`DELETE FROM role_skill WHERE tenant_id = ? AND role_id = ?`, tenant, role.id);
  for (const [surface, alias] of surfacesOf(role.label, role.aliases)) {
    database.run(
      `INSERT INTO role_alias (tenant_id, surface, role_id, alias) VALUES (?, ?, ?, ?)`,
      tenant,
      surface,
      role.id,
      alias,
    );
  }
  for (const { skill, level, weight } of role.skills) {
    database.run(
      `INSERT INTO role_skill (tenant_id, role_id, skill_id, level, weight) VALUES (?, ?, ?, ?, ?)`,
      tenant,
      role.id,
      skill,
      level,
      weight,
    );
  }
}
