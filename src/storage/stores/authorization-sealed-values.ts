import type { SealedPlace, SealedValue, SealedValueStore } from '../../authorization/ports.js';
import { type SqlEngine, all, run } from '../sql.js';

interface Place {
  readonly table: string;
  readonly column: string;
  readonly key: readonly [string] | readonly [string, string];
}

const PLACES: Readonly<Record<SealedPlace, Place>> = {
  artifact: { table: 'as_artifact', column: 'payload', key: ['model', 'id_hash'] },
  client: { table: 'as_client', column: 'metadata', key: ['client_id'] },
  'signing-key': { table: 'as_signing_key', column: 'private_jwk', key: ['kid'] },
  'upstream-token': { table: 'as_upstream_token', column: 'tokens', key: ['user_id', 'issuer'] },
};

export function createSealedValueStore(engine: SqlEngine): SealedValueStore {
  return {
    async list(place, after, limit) {
      const { table, column, key } = PLACES[place];
      const second = key[1] ?? "''";
      const condition = after === undefined ? '' : `WHERE (${key.join(', ')}) > (${marks(key)})`;
      const rows = await engine.run(() =>
        all<{ first: string; second: string; sealed: string }>(
          `SELECT ${key[0]} AS first, ${second} AS second, ${column} AS sealed FROM ${table}
            ${condition} ORDER BY ${key.join(', ')} LIMIT ?`,
          ...(after ?? []),
          limit,
        ),
      );
      return rows.map(({ first, second: other, sealed }): SealedValue => ({
        key: key.length === 1 ? [first] : [first, other],
        sealed,
      }));
    },
    async replace(place, values) {
      const { table, column, key } = PLACES[place];
      const condition = key.map((name) => `${name} = ?`).join(' AND ');
      return engine.write(function* () {
        let replaced = 0;
        for (const { key: found, sealed, resealed } of values) {
          replaced += yield* run(
            `UPDATE ${table} SET ${column} = ? WHERE ${condition} AND ${column} = ?`,
            resealed,
            ...found,
            sealed,
          );
        }
        return replaced;
      });
    },
  };
}

function marks(key: Place['key']): string {
  return key.map(() => '?').join(', ');
}
