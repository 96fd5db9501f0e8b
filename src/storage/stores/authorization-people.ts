import type {
  AuthorizationUser,
  AuthorizationUserStore,
  ConsentStore,
} from '../../authorization/ports.js';
import { type SqlEngine, type SqlProgram, all, get, lock, run } from '../sql.js';
import { REVOCATION_LOCK, noteRevokedTokens } from './revocation-feed.js';

export interface UserRow {
  id: string;
  display_name: string;
  tenant: string;
  scopes: string;
  is_disabled: number;
}

interface ConsentRow {
  user_id: string;
  client_id: string;
  resource: string;
  scopes: string;
  client_fingerprint: string;
  granted_at: number;
}

export const USER_COLUMNS: string = `id, display_name, tenant, scopes, is_disabled`;

export function createAuthorizationUserStore(engine: SqlEngine): AuthorizationUserStore {
  return {
    async find(id) {
      const row = await engine.run(() =>
        get<UserRow>(`SELECT ${USER_COLUMNS} FROM as_user WHERE id = ?`, id),
      );
      return row === undefined ? undefined : toUser(row);
    },
    async list(limit) {
      const rows = await engine.run(() =>
        all<UserRow>(
          `SELECT ${USER_COLUMNS} FROM as_user ORDER BY display_name, id LIMIT ?`,
          limit,
        ),
      );
      return rows.map(toUser);
    },
    async upsert(user) {
      await engine.run(() =>
        run(
          `INSERT INTO as_user (id, display_name, tenant, scopes, is_disabled) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, tenant = excluded.tenant,
           scopes = excluded.scopes, is_disabled = excluded.is_disabled`,
          user.id,
          user.displayName,
          user.tenant,
          JSON.stringify(user.scopes),
          user.isDisabled ? 1 : 0,
        ),
      );
    },
    async endSessions(id) {
      await engine.run(() =>
        run(
          `DELETE FROM as_artifact WHERE account_id = ? AND model IN ('Session', 'AccountSession')`,
          id,
        ),
      );
    },
    async remove(id) {
      return engine.write(() => removeUser(id));
    },
  };
}

function* removeUser(id: string): SqlProgram<boolean> {
  // The person goes first: whoever would add something to them meanwhile finds nobody.
  const changes = yield* run('DELETE FROM as_user WHERE id = ?', id);
  yield* lock(REVOCATION_LOCK);
  yield* noteRevokedTokens('account_id = ?', id);
  yield* run(
    `DELETE FROM as_refresh_replay WHERE grant_hash IN
      (SELECT id_hash FROM as_artifact WHERE account_id = ? AND model = 'Grant')`,
    id,
  );
  yield* run('DELETE FROM as_artifact WHERE account_id = ?', id);
  for (const table of ['as_consent', 'as_identity', 'as_upstream_token', 'as_password']) {
    yield* run(`DELETE FROM ${table} WHERE user_id = ?`, id);
  }
  return changes > 0;
}

export function createConsentStore(engine: SqlEngine): ConsentStore {
  return {
    async find(userId, clientId, resource) {
      const row = await engine.run(() =>
        get<ConsentRow>(
          `SELECT user_id, client_id, resource, scopes, client_fingerprint, granted_at FROM as_consent
            WHERE user_id = ? AND client_id = ? AND resource = ?`,
          userId,
          clientId,
          resource,
        ),
      );
      if (row === undefined) return undefined;
      return {
        userId: row.user_id,
        clientId: row.client_id,
        resource: row.resource,
        scopes: JSON.parse(row.scopes) as string[],
        clientFingerprint: row.client_fingerprint,
        grantedAt: row.granted_at,
      };
    },
    async save(record) {
      await engine.run(() =>
        run(
          `INSERT INTO as_consent (user_id, client_id, resource, scopes, client_fingerprint, granted_at)
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (user_id, client_id, resource) DO UPDATE SET
           scopes = excluded.scopes, client_fingerprint = excluded.client_fingerprint, granted_at = excluded.granted_at`,
          record.userId,
          record.clientId,
          record.resource,
          JSON.stringify(record.scopes),
          record.clientFingerprint,
          record.grantedAt,
        ),
      );
    },
    async delete(userId, clientId, resource) {
      const changes = await engine.run(() =>
        run(
          'DELETE FROM as_consent WHERE user_id = ? AND client_id = ? AND resource = ?',
          userId,
          clientId,
          resource,
        ),
      );
      return changes > 0;
    },
    async deleteAllOf(userId, clientId) {
      await engine.run(() =>
        run('DELETE FROM as_consent WHERE user_id = ? AND client_id = ?', userId, clientId),
      );
    },
  };
}

export function toUser(row: UserRow): AuthorizationUser {
  return {
    id: row.id,
    displayName: row.display_name,
    tenant: row.tenant,
    scopes: JSON.parse(row.scopes) as string[],
    isDisabled: row.is_disabled === 1,
  };
}
