import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

export interface FileWatcher {
  /**
   * Watches these folders from now on, and no others.
   *
   * @returns whether one is new: what changed in it before was not seen
   */
  watch(folders: Iterable<string>): boolean;
  close(): void;
}

// A save is several events: an editor writes beside the file and renames, a build tool writes many files.
const QUIET_MS = 25;
const LONGEST_WAIT_MS = 200;

/**
 * Says that something in a folder may have changed: once for a burst of events, never what. Folders are watched and not
 * files, because a file that is replaced by a rename is another file.
 */
export function createFileWatcher(
  onChange: () => void,
  onFault: (error: unknown) => void,
): FileWatcher {
  const watchers = new Map<string, Watched>();
  let timer: NodeJS.Timeout | undefined;
  let firstAtMs = 0;

  const fire = (): void => {
    timer = undefined;
    onChange();
  };
  const touch = (): void => {
    const nowMs = performance.now();
    if (timer === undefined) firstAtMs = nowMs;
    clearTimeout(timer);
    timer = setTimeout(fire, Math.max(0, Math.min(QUIET_MS, firstAtMs + LONGEST_WAIT_MS - nowMs)));
  };
  const open = (folder: string, inode: number): void => {
    try {
      const watcher = watch(folder, { persistent: false }, touch);
      watcher.on('error', (error) => {
        watchers.delete(folder);
        watcher.close();
        onFault(error);
        touch();
      });
      watchers.set(folder, { watcher, inode });
    } catch (error) {
      onFault(error);
    }
  };
  return {
    watch(folders) {
      const wanted = new Map([...folders].map(nearestFolder));
      for (const [folder, { watcher, inode }] of watchers) {
        // A folder that was deleted and made again is another one.
        if (wanted.get(folder) === inode) continue;
        watcher.close();
        watchers.delete(folder);
      }
      const added = [...wanted].filter(([folder]) => !watchers.has(folder));
      for (const [folder, inode] of added) open(folder, inode);
      return added.length > 0;
    },
    close() {
      clearTimeout(timer);
      for (const { watcher } of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

interface Watched {
  readonly watcher: FSWatcher;
  readonly inode: number;
}

/** The folder, or the nearest above it that exists: there it is seen coming back. */
function nearestFolder(folder: string): [folder: string, inode: number] {
  for (let current = folder; ; current = dirname(current)) {
    const stats = statSync(current, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) return [current, stats.ino];
    if (dirname(current) === current) return [current, 0];
  }
}
