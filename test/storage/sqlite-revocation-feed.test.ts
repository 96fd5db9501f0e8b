import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type Storage, openSqliteStorage } from '../../src/storage/index.js';
import { describeRevocationFeed } from './contract/revocation-feed.js';

const opened: Storage[] = [];
const folders: string[] = [];
afterEach(() => {
  for (const storage of opened.splice(0)) storage.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describeRevocationFeed('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-mcp-feed-'));
  folders.push(folder);
  const [stores, other] = [0, 1].map(() => openSqliteStorage(join(folder, 'a.sqlite')));
  if (stores === undefined || other === undefined) throw new Error('unreachable');
  opened.push(stores, other);
  return { stores, other };
});
