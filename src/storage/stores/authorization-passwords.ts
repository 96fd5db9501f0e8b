import type {
  PasswordRecord,
  PasswordStore,
  SignInAttemptStore,
} from '../../authorization/ports.js';
import { type SqlEngine, all, get, run } from '../sql.js';

interface PasswordRow {
  user_name: string;
  user_id: string;
  password_hash: string;
  changed_at: number;
}

const COLUMNS = 'user_name, user_id, password_hash, changed_at';

export function createPasswordStore(engine: SqlEngine): PasswordStore {
  return {
    async find(userName) {
      const row = await engine.run(() =>
        get<PasswordRow>(`SELECT ${COLUMNS} FROM as_password WHERE user_name = ?`, userName),
      );
      return row === undefined ? undefined : toRecord(row);
    },
    async list(limit) {
      const rows = await engine.run(() =>
        all<PasswordRow>(`SELECT ${COLUMNS} FROM as_password ORDER BY user_name LIMIT ?`, limit),
      );
      return rows.map(toRecord);
    },
    async create(user, record) {
      return engine.write(function* () {
        const stored = yield* run(
          `INSERT INTO as_password (${COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
          record.userName,
          record.userId,
          record.passwordHash,
          record.changedAt,
        );
        if (stored === 0) return false;
        yield* run(
          'INSERT INTO as_user (id, display_name, tenant, scopes, is_disabled) VALUES (?, ?, ?, ?, ?)',
          user.id,
          user.displayName,
          user.tenant,
          JSON.stringify(user.scopes),
          user.isDisabled ? 1 : 0,
        );
        return true;
      });
    },
    async change({ userName, passwordHash, changedAt }) {
      const changes = await engine.run(() =>
        run(
          'UPDATE as_password SET password_hash = ?, changed_at = ? WHERE user_name = ?',
          passwordHash,
          changedAt,
          userName,
        ),
      );
      return changes > 0;
    },
  };
}

export function createSignInAttemptStore(engine: SqlEngine): SignInAttemptStore {
  return {
    async begin(keyHash, backOff, nowSeconds) {
      return engine.write(function* () {
        // The insert takes the row's lock: attempts for one key are counted one after the other.
        yield* run(
          `INSERT INTO as_sign_in_attempt (key_hash, failures, blocked_until, expires_at)
           VALUES (?, 0, 0, ?) ON CONFLICT (key_hash) DO UPDATE SET failures =
             CASE WHEN as_sign_in_attempt.expires_at <= ? THEN 0 ELSE as_sign_in_attempt.failures END`,
          keyHash,
          nowSeconds + backOff.forgetAfterSeconds,
          nowSeconds,
        );
        const row = yield* get<{ failures: number; blocked_until: number }>(
          'SELECT failures, blocked_until FROM as_sign_in_attempt WHERE key_hash = ?',
          keyHash,
        );
        const { failures = 0, blocked_until = 0 } = row ?? {};
        if (blocked_until > nowSeconds) return blocked_until - nowSeconds;
        const counted = failures + 1;
        const costly = counted - backOff.freeAttempts;
        const wait =
          costly < 0
            ? 0
            : Math.min(
                backOff.firstWaitSeconds * 2 ** Math.min(costly, 30),
                backOff.maxWaitSeconds,
              );
        yield* run(
          `UPDATE as_sign_in_attempt SET failures = ?, blocked_until = ?, expires_at = ?
            WHERE key_hash = ?`,
          counted,
          nowSeconds + wait,
          nowSeconds + Math.max(backOff.forgetAfterSeconds, wait),
          keyHash,
        );
        return 0;
      });
    },
    async forgive(keyHash) {
      await engine.run(() =>
        run(
          'UPDATE as_sign_in_attempt SET failures = failures - 1, blocked_until = 0 WHERE key_hash = ? AND failures > 0',
          keyHash,
        ),
      );
    },
    async reset(keyHash) {
      await engine.run(() => run('DELETE FROM as_sign_in_attempt WHERE key_hash = ?', keyHash));
    },
    async deleteExpired(nowSeconds) {
      return engine.run(() =>
        run('DELETE FROM as_sign_in_attempt WHERE expires_at <= ?', nowSeconds),
      );
    },
  };
}

function toRecord(row: PasswordRow): PasswordRecord {
  return {
    userName: row.user_name,
    userId: row.user_id,
    passwordHash: row.password_hash,
    changedAt: row.changed_at,
  };
}
