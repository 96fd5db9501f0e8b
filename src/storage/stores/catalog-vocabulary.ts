import type {
  CourseStore,
  NamedMatch,
  RoleRecord,
  SkillRecord,
} from '../../catalog/domain/ports.js';
import type { SkillId } from '../../catalog/domain/scope.js';
import { surfacesOf } from '../../catalog/domain/text-index.js';
import { type SqlProgram, all, run, runEach } from '../sql.js';
import { type TenantDirectory, collect, lockCatalog, startOf } from './catalog-tenants.js';

type Vocabulary = Pick<
  CourseStore,
  'importVocabulary' | 'skills' | 'roles' | 'skillsNamed' | 'rolesNamed' | 'labelsStartingWith'
>;

/** Skills and roles, and the spellings they are found by. */
export function createVocabulary(tenants: TenantDirectory): Vocabulary {
  return {
    importVocabulary: (scope, { skills, roles }) =>
      tenants.write(scope, function* ({ own }) {
        yield* lockCatalog(own);
        for (const skill of skills) yield* writeSkill(own, skill);
        for (const role of roles) yield* writeRole(own, role);
      }),
    skills: (scope, ids) =>
      tenants.read(scope, ({ visible }) => collect(visible, (tenant) => readSkills(tenant, ids))),
    roles: (scope, ids) =>
      tenants.read(scope, ({ visible }) => collect(visible, (tenant) => readRoles(tenant, ids))),
    skillsNamed: (scope, surfaces) =>
      tenants.read(scope, ({ visible }) =>
        collect(visible, (tenant) => named(tenant, SKILLS_NAMED, surfaces, readSkills)),
      ),
    rolesNamed: (scope, surfaces) =>
      tenants.read(scope, ({ visible }) =>
        collect(visible, (tenant) => named(tenant, ROLES_NAMED, surfaces, readRoles)),
      ),
    async labelsStartingWith(scope, prefix, limit) {
      const labels = await tenants.read(scope, ({ visible }) =>
        collect(visible, function* (tenant) {
          const found: { alias: string }[] = [];
          for (const sql of LABELS) {
            found.push(...(yield* all<{ alias: string }>(sql, tenant, ...startOf(prefix), limit)));
          }
          return found;
        }),
      );
      return [...new Set(labels.map((row) => row.alias))].slice(0, limit);
    },
  };
}

const SKILLS_NAMED = `SELECT surface, skill_id AS id FROM skill_alias
  WHERE tenant_id = ? AND surface IN (SELECT value FROM json_each(?)) ORDER BY surface, skill_id`;
const ROLES_NAMED = `SELECT surface, role_id AS id FROM role_alias
  WHERE tenant_id = ? AND surface IN (SELECT value FROM json_each(?)) ORDER BY surface, role_id`;
const LABELS = [
  `SELECT alias FROM role_alias WHERE tenant_id = ? AND surface >= ? AND surface < ?
    ORDER BY surface, role_id LIMIT ?`,
  `SELECT alias FROM skill_alias WHERE tenant_id = ? AND surface >= ? AND surface < ?
    ORDER BY surface, skill_id LIMIT ?`,
];

function* named<Named extends { readonly id: string }>(
  tenant: number,
  sql: string,
  surfaces: readonly string[],
  read: (tenant: number, ids: readonly string[]) => SqlProgram<Named[]>,
): SqlProgram<NamedMatch<Named>[]> {
  const found = yield* all<{ surface: string; id: string }>(sql, tenant, surfaces);
  const records = yield* read(
    tenant,
    found.map((row) => row.id),
  );
  const byId = new Map(records.map((record) => [record.id, record]));
  return found.flatMap(({ surface, id }) => {
    const record = byId.get(id);
    return record === undefined ? [] : [{ surface, record }];
  });
}

export function* readSkills(tenant: number, ids: readonly string[]): SqlProgram<SkillRecord[]> {
  const aliases = yield* all<{ skill_id: string; alias: string }>(
    `SELECT skill_id, alias FROM skill_alias
      WHERE tenant_id = ? AND skill_id IN (SELECT value FROM json_each(?)) ORDER BY surface, skill_id`,
    tenant,
    ids,
  );
  const skills = yield* all<{ skill_id: SkillId; label: string }>(
    `SELECT skill_id, label FROM skill
      WHERE tenant_id = ? AND skill_id IN (SELECT value FROM json_each(?)) ORDER BY skill_id`,
    tenant,
    ids,
  );
  return skills.map((row) => ({
    id: row.skill_id,
    label: row.label,
    aliases: aliases
      .filter((alias) => alias.skill_id === row.skill_id && alias.alias !== row.label)
      .map((alias) => alias.alias),
  }));
}

function* readRoles(tenant: number, ids: readonly string[]): SqlProgram<RoleRecord[]> {
  const skills = yield* all<{
    role_id: string;
    skill_id: SkillId;
    level: number;
    weight: number;
  }>(
    `SELECT role_id, skill_id, level, weight FROM role_skill
      WHERE tenant_id = ? AND role_id IN (SELECT value FROM json_each(?))
      ORDER BY role_id, weight DESC, skill_id`,
    tenant,
    ids,
  );
  const roles = yield* all<{ role_id: string; label: string }>(
    `SELECT role_id, label FROM role
      WHERE tenant_id = ? AND role_id IN (SELECT value FROM json_each(?)) ORDER BY role_id`,
    tenant,
    ids,
  );
  return roles.map((row) => ({
    id: row.role_id,
    label: row.label,
    aliases: [],
    skills: skills
      .filter((skill) => skill.role_id === row.role_id)
      .map((skill) => ({ skill: skill.skill_id, level: skill.level, weight: skill.weight })),
  }));
}

export function* writeSkill(tenant: number, skill: SkillRecord): SqlProgram<undefined> {
  yield* run(
    `INSERT INTO skill (tenant_id, skill_id, label) VALUES (?, ?, ?)
      ON CONFLICT (tenant_id, skill_id) DO UPDATE SET label = excluded.label`,
    tenant,
    skill.id,
    skill.label,
  );
  yield* run(`DELETE FROM skill_alias WHERE tenant_id = ? AND skill_id = ?`, tenant, skill.id);
  const surfaces = surfacesOf(skill.label, [...skill.aliases, skill.id.replaceAll('-', ' ')]);
  return yield* runEach(
    `INSERT INTO skill_alias (tenant_id, surface, skill_id, alias) VALUES (?, ?, ?, ?)`,
    [...surfaces].map(([surface, alias]) => [tenant, surface, skill.id, alias]),
  );
}

function* writeRole(tenant: number, role: RoleRecord): SqlProgram<undefined> {
  yield* run(
    `INSERT INTO role (tenant_id, role_id, label) VALUES (?, ?, ?)
      ON CONFLICT (tenant_id, role_id) DO UPDATE SET label = excluded.label`,
    tenant,
    role.id,
    role.label,
  );
  yield* run(`DELETE FROM role_alias WHERE tenant_id = ? AND role_id = ?`, tenant, role.id);
  yield* run(`DELETE FROM role_skill WHERE tenant_id = ? AND role_id = ?`, tenant, role.id);
  yield* runEach(
    `INSERT INTO role_alias (tenant_id, surface, role_id, alias) VALUES (?, ?, ?, ?)`,
    [...surfacesOf(role.label, role.aliases)].map(([surface, alias]) => [
      tenant,
      surface,
      role.id,
      alias,
    ]),
  );
  return yield* runEach(
    `INSERT INTO role_skill (tenant_id, role_id, skill_id, level, weight) VALUES (?, ?, ?, ?, ?)`,
    role.skills.map(({ skill, level, weight }) => [tenant, role.id, skill, level, weight]),
  );
}
