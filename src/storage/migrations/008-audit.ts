import type { Migration } from './migration.js';
import { toPostgresDdl } from './postgres-ddl.js';

const tables = `
    ALTER TABLE audit_row ADD COLUMN reason TEXT;
    ALTER TABLE audit_row ADD COLUMN request_id TEXT;
    ALTER TABLE audit_row ADD COLUMN trace_id TEXT;
    ALTER TABLE audit_row ADD COLUMN arguments TEXT;
    CREATE INDEX audit_row_time ON audit_row (at, row_no);
    CREATE TABLE audit_sweep (
      sweep_no INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      delete_before INTEGER NOT NULL,
      deleted INTEGER NOT NULL,
      CHECK (delete_before <= at)
    ) STRICT;
  `;

// A row of the log goes with the record of a sweep, and no other way; that record stays.
const LAST_SWEEP = '(SELECT s.delete_before FROM audit_sweep s ORDER BY s.sweep_no DESC LIMIT 1)';

const sqlite = `${tables}
    CREATE TRIGGER audit_row_keep BEFORE UPDATE ON audit_row
      BEGIN SELECT RAISE(ABORT, 'audit_row is append-only'); END;
    CREATE TRIGGER audit_row_stay BEFORE DELETE ON audit_row
      WHEN OLD.at >= coalesce(${LAST_SWEEP}, 0)
      BEGIN SELECT RAISE(ABORT, 'audit_row is append-only: only a recorded sweep deletes'); END;
    CREATE TRIGGER audit_sweep_run AFTER INSERT ON audit_sweep
      BEGIN DELETE FROM audit_row WHERE at < NEW.delete_before; END;
    CREATE TRIGGER audit_sweep_keep BEFORE UPDATE ON audit_sweep
      BEGIN SELECT RAISE(ABORT, 'audit_sweep is append-only'); END;
    CREATE TRIGGER audit_sweep_stay BEFORE DELETE ON audit_sweep
      BEGIN SELECT RAISE(ABORT, 'audit_sweep is append-only'); END;
  `;

// The sweep runs with the rights of the owner: a role that only appends can record one, and delete nothing by itself.
const postgres = `${toPostgresDdl(tables)}
    CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
    CREATE FUNCTION audit_row_stay() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
      BEGIN
        IF OLD.at >= coalesce(${LAST_SWEEP}, 0) THEN
          RAISE EXCEPTION 'audit_row is append-only: only a recorded sweep deletes';
        END IF;
        RETURN OLD;
      END $$;
    CREATE FUNCTION audit_sweep_run() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      SET search_path FROM CURRENT AS $$
      BEGIN DELETE FROM audit_row WHERE at < NEW.delete_before; RETURN NULL; END $$;
    REVOKE ALL ON FUNCTION audit_sweep_run() FROM PUBLIC;
    CREATE TRIGGER audit_row_keep BEFORE UPDATE ON audit_row FOR EACH ROW EXECUTE FUNCTION audit_refuse();
    CREATE TRIGGER audit_row_stay BEFORE DELETE ON audit_row FOR EACH ROW EXECUTE FUNCTION audit_row_stay();
    CREATE TRIGGER audit_row_whole BEFORE TRUNCATE ON audit_row EXECUTE FUNCTION audit_refuse();
    CREATE TRIGGER audit_sweep_run AFTER INSERT ON audit_sweep FOR EACH ROW EXECUTE FUNCTION audit_sweep_run();
    CREATE TRIGGER audit_sweep_keep BEFORE UPDATE OR DELETE ON audit_sweep
      FOR EACH ROW EXECUTE FUNCTION audit_refuse();
    CREATE TRIGGER audit_sweep_whole BEFORE TRUNCATE ON audit_sweep EXECUTE FUNCTION audit_refuse();
  `;

/** What the audit log lacked, and the walls that make it append-only in the database itself. */
export const auditMigration: Migration = { id: '008-audit', sqlite, postgres };
