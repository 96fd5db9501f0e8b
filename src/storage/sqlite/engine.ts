import type { SqlEngine, SqlParam, SqlProgram, SqlRequest } from '../sql.js';
import type { SqlValue, SqliteDatabase } from './database.js';

/** Runs programs on a SQLite file. It knows no roles: the tenant walls are the statements' own. */
export function createSqliteEngine(database: SqliteDatabase): SqlEngine {
  return {
    run: async (work) => runToEnd(database, work()),
    read: async (work) => runToEnd(database, work()),
    write: async (work) => database.transaction(() => runToEnd(database, work())),
  };
}

function runToEnd<T>(database: SqliteDatabase, program: SqlProgram<T>): T {
  let step = program.next();
  while (step.done !== true) step = program.next(answer(database, step.value));
  return step.value;
}

function answer(database: SqliteDatabase, request: SqlRequest): unknown {
  switch (request.kind) {
    case 'all':
      return database.all(request.sql, ...request.params.map(toValue));
    case 'run':
      return database.run(request.sql, ...request.params.map(toValue)).changes;
    case 'runEach':
      for (const row of request.rows) database.run(request.sql, ...row.map(toValue));
      return undefined;
    case 'tenant':
    case 'lock':
    case 'notify':
      return undefined;
  }
}

function toValue(param: SqlParam): SqlValue {
  return param !== null && typeof param === 'object' ? JSON.stringify(param) : param;
}
