import type {
  AuthorizationUser,
  IdentityRecord,
  IdentityStore,
  UpstreamTokenRecord,
  UpstreamTokenStore,
} from '../../authorization/ports.js';
import { type SqlEngine, type SqlProgram, all, get, lock, run } from '../sql.js';
import { USER_COLUMNS, type UserRow, toUser } from './authorization-people.js';

interface IdentityRow {
  issuer: string;
  subject: string;
  user_id: string;
  created_at: number;
  last_used_at: number;
}

interface UpstreamTokenRow {
  user_id: string;
  issuer: string;
  tokens: string;
  expires_at: number | null;
  version: number;
}

const IDENTITY_COLUMNS = 'issuer, subject, user_id, created_at, last_used_at';

export function createIdentityStore(engine: SqlEngine): IdentityStore {
  return {
    async find({ issuer, subject }) {
      const row = await engine.run(() =>
        get<IdentityRow>(
          `SELECT ${IDENTITY_COLUMNS} FROM as_identity WHERE issuer = ? AND subject = ?`,
          issuer,
          subject,
        ),
      );
      return row === undefined ? undefined : toIdentity(row);
    },
    async listOf(userId) {
      const rows = await engine.run(() =>
        all<IdentityRow>(
          `SELECT ${IDENTITY_COLUMNS} FROM as_identity WHERE user_id = ? ORDER BY issuer, subject`,
          userId,
        ),
      );
      return rows.map(toIdentity);
    },
    async signIn(identity, profile, newUserId, nowSeconds) {
      const { issuer, subject } = identity;
      return engine.write(function* () {
        // Without it, two first sign-ins at once would both find nobody.
        yield* lock(`identity ${issuer} ${subject}`);
        const known = yield* get<{ user_id: string }>(
          'SELECT user_id FROM as_identity WHERE issuer = ? AND subject = ?',
          issuer,
          subject,
        );
        const userId = known?.user_id ?? newUserId;
        yield* run(
          `INSERT INTO as_identity (${IDENTITY_COLUMNS}) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (issuer, subject) DO UPDATE SET last_used_at = excluded.last_used_at`,
          issuer,
          subject,
          userId,
          nowSeconds,
          nowSeconds,
        );
        return yield* keepPerson({ ...profile, id: userId, isDisabled: false });
      });
    },
  };
}

/** @returns the person as stored: one who is disabled stays so */
function* keepPerson(user: AuthorizationUser): SqlProgram<AuthorizationUser> {
  const row = yield* get<UserRow>(
    `INSERT INTO as_user (${USER_COLUMNS}) VALUES (?, ?, ?, ?, 0)
     ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, tenant = excluded.tenant,
       scopes = excluded.scopes
     RETURNING ${USER_COLUMNS}`,
    user.id,
    user.displayName,
    user.tenant,
    JSON.stringify(user.scopes),
  );
  if (row === undefined) throw new Error('the person was not stored');
  return toUser(row);
}

export function createUpstreamTokenStore(engine: SqlEngine): UpstreamTokenStore {
  return {
    async find(userId, issuer) {
      const row = await engine.run(() =>
        get<UpstreamTokenRow>(
          `SELECT user_id, issuer, tokens, expires_at, version FROM as_upstream_token
            WHERE user_id = ? AND issuer = ?`,
          userId,
          issuer,
        ),
      );
      return row === undefined ? undefined : toTokens(row);
    },
    async save({ userId, issuer, tokens, expiresAt }) {
      await engine.run(() =>
        run(
          `INSERT INTO as_upstream_token (user_id, issuer, tokens, expires_at, version)
           VALUES (?, ?, ?, ?, 1) ON CONFLICT (user_id, issuer) DO UPDATE SET tokens = excluded.tokens,
             expires_at = excluded.expires_at, version = as_upstream_token.version + 1,
             lease_id = NULL, lease_until = NULL`,
          userId,
          issuer,
          tokens,
          expiresAt ?? null,
        ),
      );
    },
    async lease({ userId, issuer, version }, { id, nowSeconds, until }) {
      const changes = await engine.run(() =>
        run(
          `UPDATE as_upstream_token SET lease_id = ?, lease_until = ? WHERE user_id = ? AND issuer = ?
             AND version = ? AND (lease_until IS NULL OR lease_until <= ?)`,
          id,
          until,
          userId,
          issuer,
          version,
          nowSeconds,
        ),
      );
      return changes > 0;
    },
    async replace({ userId, issuer, tokens, expiresAt, version }, leaseId) {
      const changes = await engine.run(() =>
        run(
          `UPDATE as_upstream_token SET tokens = ?, expires_at = ?, version = version + 1,
             lease_id = NULL, lease_until = NULL
           WHERE user_id = ? AND issuer = ? AND version = ? AND lease_id = ?`,
          tokens,
          expiresAt ?? null,
          userId,
          issuer,
          version,
          leaseId,
        ),
      );
      return changes > 0;
    },
    async release(userId, issuer, leaseId) {
      await engine.run(() =>
        run(
          `UPDATE as_upstream_token SET lease_id = NULL, lease_until = NULL
            WHERE user_id = ? AND issuer = ? AND lease_id = ?`,
          userId,
          issuer,
          leaseId,
        ),
      );
    },
    async delete(userId, issuer) {
      const changes = await engine.run(() =>
        run('DELETE FROM as_upstream_token WHERE user_id = ? AND issuer = ?', userId, issuer),
      );
      return changes > 0;
    },
  };
}

function toIdentity(row: IdentityRow): IdentityRecord {
  return {
    issuer: row.issuer,
    subject: row.subject,
    userId: row.user_id,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  };
}

function toTokens(row: UpstreamTokenRow): UpstreamTokenRecord {
  return {
    userId: row.user_id,
    issuer: row.issuer,
    tokens: row.tokens,
    expiresAt: row.expires_at ?? undefined,
    version: row.version,
  };
}
