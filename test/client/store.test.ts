import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientHome, requireProfileName } from '../../src/client/store/config-folder.js';
import { withFileLock } from '../../src/client/store/file-lock.js';
import { writeFileAtomically } from '../../src/client/store/files.js';
import { ownIdentity } from '../../src/client/store/process-identity.js';
import { ProfileFile } from '../../src/client/store/profile-file.js';
import type { Keychain } from '../../src/client/store/wrapping-key.js';
import { systemClock } from '../../src/shared/clock.js';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'catalog-mcp-test-'));
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

type Document = Readonly<Record<string, string>>;

function profile(
  options: { explicitKey?: string; keychain?: Keychain; name?: string } = {},
): ProfileFile<Document> {
  return new ProfileFile<Document>(
    {
      home,
      profile: options.name ?? 'default',
      clock: systemClock,
      explicitKey: options.explicitKey,
      keychain: options.keychain,
    },
    {},
  );
}

/** Runs a helper program of this folder; resolves with its exit, `kill` included. */
function runChild(
  script: string,
  args: readonly string[],
): {
  exited: Promise<NodeJS.Signals | number | null>;
  line: Promise<string>;
  kill: (signal: NodeJS.Signals) => void;
} {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const line = new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.trim());
    });
  });
  const exited = new Promise<NodeJS.Signals | number | null>((resolve) => {
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  return { exited, line, kill: (signal) => void child.kill(signal) };
}

describe('a profile file', () => {
  it('gives back what was written, also to another process of the same key', async () => {
    await profile().update(() => ({ token: 'canary-token' }));
    expect(await profile().read()).toEqual({ token: 'canary-token' });
  });

  it('is empty before the first write, and makes no file for a change that changes nothing', async () => {
    expect(await profile().read()).toEqual({});
    await profile().update(() => undefined);
    expect(await profile().read()).toEqual({});
    expect(readdirSync(join(home, 'profiles'))).toEqual([]);
  });

  it('holds no plaintext, in files and folders of the owner alone', async () => {
    await profile().update(() => ({ token: 'canary-token' }));
    for (const name of readdirSync(home, { recursive: true, encoding: 'utf8' })) {
      const path = join(home, name);
      expect(statSync(path).mode & 0o077, path).toBe(0);
      if (statSync(path).isFile()) expect(readFileSync(path, 'utf8')).not.toContain('canary');
    }
  });

  it('says clearly that the key is another one', async () => {
    await profile({ explicitKey: 'one-key-of-16-chars' }).update(() => ({ a: 'b' }));
    const other = profile({ explicitKey: 'another-key-of-16-chars' });
    await expect(other.read()).rejects.toMatchObject({ code: 'ERR_CREDENTIAL_KEY' });
    await expect(profile().read()).rejects.toThrow(/CATALOG_CLIENT_KEY, which is not set/);
    await expect(
      profile({ explicitKey: 'short', name: 'x' }).update(() => ({ a: 'b' })),
    ).rejects.toThrow(/shorter than 16/);
  });

  it('says clearly that the key file is gone', async () => {
    await profile().update(() => ({ a: 'b' }));
    rmSync(join(home, 'wrapping.key'));
    await expect(profile().read()).rejects.toMatchObject({ code: 'ERR_CREDENTIAL_KEY' });
  });

  it.each([
    ['cut short', (text: string) => text.slice(0, 40)],
    [
      'altered',
      (text: string) =>
        text.replace(/"sealed":"(.)/, (_all, first) => `"sealed":"${first === 'A' ? 'B' : 'A'}`),
    ],
    ['emptied', () => ''],
  ])('refuses a file that was %s, and says so', async (_name, damage) => {
    await profile().update(() => ({ a: 'b' }));
    const path = join(home, 'profiles', 'default.json');
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    await expect(profile().read()).rejects.toMatchObject({ code: 'ERR_CREDENTIAL_STORE' });
  });

  it('does not open as another profile', async () => {
    await profile().update(() => ({ a: 'b' }));
    const text = readFileSync(join(home, 'profiles', 'default.json'), 'utf8');
    writeFileSync(join(home, 'profiles', 'work.json'), text);
    await expect(profile({ name: 'work' }).read()).rejects.toMatchObject({
      code: 'ERR_CREDENTIAL_STORE',
    });
  });

  it('keeps every change of many writers', async () => {
    const writers = Array.from({ length: 10 }, (_, index) =>
      profile().update((before) => ({ ...before, [`writer-${index}`]: 'was here' })),
    );
    await Promise.all(writers);
    expect(Object.keys(await profile().read())).toHaveLength(10);
  });

  it('keeps its key in the keychain when there is one, and asks it again', async () => {
    const secrets = new Map<string, string>();
    const keychain: Keychain = {
      get: (account) => Promise.resolve(secrets.get(account)),
      set: (account, secret) => {
        secrets.set(account, secret);
        return Promise.resolve();
      },
    };
    await profile({ keychain }).update(() => ({ a: 'b' }));
    expect(await profile({ keychain }).read()).toEqual({ a: 'b' });
    expect(readdirSync(home)).not.toContain('wrapping.key');
    await expect(profile().read()).rejects.toThrow(/keychain/);
  });

  it('falls back to a key file when the keychain refuses', async () => {
    const keychain: Keychain = {
      get: () => Promise.reject(new Error('no session')),
      set: () => Promise.reject(new Error('no session')),
    };
    await profile({ keychain }).update(() => ({ a: 'b' }));
    expect(statSync(join(home, 'wrapping.key')).mode & 0o777).toBe(0o600);
  });

  it('says which file it cannot write', async () => {
    writeFileSync(join(home, 'profiles'), 'a file where the folder should be');
    await expect(profile().update(() => ({ a: 'b' }))).rejects.toMatchObject({
      code: 'ERR_CREDENTIAL_STORE',
      message: expect.stringContaining(join(home, 'profiles')),
    });
  });
});

describe('writeFileAtomically', () => {
  it('leaves the old file whole when the process is killed between write and rename', async () => {
    const path = join(home, 'file');
    await writeFileAtomically(path, 'old');
    const child = runChild('./support/die-before-rename.child.ts', [path]);
    expect(await child.exited).toBe('SIGKILL');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(home).length).toBeGreaterThan(1);
    await writeFileAtomically(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
  });
});

const lock = <T>(task: () => Promise<T>, timeoutMs = 10_000): Promise<T> =>
  withFileLock({ folder: join(home, 'lock'), what: 'a test', clock: systemClock, timeoutMs }, task);

describe('withFileLock', () => {
  it('runs one task at a time, and later ones under higher numbers', async () => {
    let inside = 0;
    const fences: number[] = [];
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withFileLock(
          { folder: join(home, 'lock'), what: 'a test', clock: systemClock, timeoutMs: 10_000 },
          async (held) => {
            expect(++inside).toBe(1);
            await new Promise((resolve) => setImmediate(resolve));
            fences.push(held.fence);
            inside--;
          },
        ),
      ),
    );
    expect(fences).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('is free again after a task that fails', async () => {
    await expect(lock(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await lock(() => Promise.resolve('yes'))).toBe('yes');
  });

  it('keeps few files, however often it is taken', async () => {
    for (let round = 0; round < 40; round++) await lock(() => Promise.resolve());
    expect(readdirSync(join(home, 'lock')).length).toBeLessThan(20);
  });

  it('never robs a live holder, even a stopped one, and names it', async () => {
    const child = runChild('./support/hold-lock.child.ts', [join(home, 'lock')]);
    const pid = Number(await child.line);
    child.kill('SIGSTOP');
    await expect(lock(() => Promise.resolve(), 200)).rejects.toMatchObject({
      code: 'ERR_LOCK_TIMEOUT',
      holderPid: pid,
    });
    child.kill('SIGKILL');
    await child.exited;
  });

  it('takes over at once from a holder that was killed', async () => {
    const child = runChild('./support/hold-lock.child.ts', [join(home, 'lock')]);
    await child.line;
    child.kill('SIGKILL');
    await child.exited;
    expect(await lock(() => Promise.resolve('mine'), 2_000)).toBe('mine');
  });

  it('does not take a later process with the same number for the holder', async () => {
    const self = await ownIdentity();
    await lock(() => Promise.resolve());
    const reused = { ...self, startTime: '1', nonce: 'another process' };
    writeFileSync(join(home, 'lock', '2'), JSON.stringify(reused));
    expect(await lock(() => Promise.resolve('mine'), 500)).toBe('mine');
  });

  it('waits for a holder of another machine until it has been silent for long', async () => {
    const self = await ownIdentity();
    await lock(() => Promise.resolve());
    writeFileSync(join(home, 'lock', '2'), JSON.stringify({ ...self, scope: 'other-machine' }));
    await expect(lock(() => Promise.resolve(), 100)).rejects.toMatchObject({
      code: 'ERR_LOCK_TIMEOUT',
    });
    const later = { nowMs: () => systemClock.nowMs() + 600_000 };
    const taken = withFileLock(
      { folder: join(home, 'lock'), what: 'a test', clock: later, timeoutMs: 100 },
      () => Promise.resolve('mine'),
    );
    expect(await taken).toBe('mine');
  });

  it('stops waiting when the caller does', async () => {
    const waiting = new AbortController();
    await lock(async () => {
      const second = withFileLock(
        {
          folder: join(home, 'lock'),
          what: 'a test',
          clock: systemClock,
          timeoutMs: 10_000,
          signal: waiting.signal,
        },
        () => Promise.resolve(),
      );
      waiting.abort(new Error('gone'));
      await expect(second).rejects.toThrow('gone');
    });
  });
});

describe('clientHome', () => {
  it.each([
    [{ CATALOG_CLIENT_HOME: '/x' }, 'linux', '/x'],
    [{ XDG_CONFIG_HOME: '/cfg', HOME: '/home/a' }, 'linux', '/cfg/catalog-mcp'],
    [{ HOME: '/home/a' }, 'linux', '/home/a/.config/catalog-mcp'],
    [{ HOME: '/Users/a' }, 'darwin', '/Users/a/Library/Application Support/catalog-mcp'],
  ] as const)('%j on %s: %s', (env, platform, expected) => {
    expect(clientHome(env, platform)).toBe(expected);
  });
});

describe('requireProfileName', () => {
  it.each(['', '../x', 'a/b', 'a b', '.hidden', 'x'.repeat(64), 'ü'])('refuses %j', (name) => {
    expect(() => requireProfileName(name)).toThrow(TypeError);
  });
});
