import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBrowserOpener } from '../../src/client/index.js';
import { requireBrowsableUrl } from '../../src/client/login/browser.js';

describe('createBrowserOpener', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'catalog-mcp-test-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('gives the program that BROWSER names the URL as its only argument, seen by no shell', async () => {
    const done = join(folder, 'done');
    const program = join(folder, 'a program');
    writeFileSync(
      program,
      `#!/bin/sh\nprintf '%s\\n' "$#" "$1" > '${folder}/seen'\nmv '${folder}/seen' '${done}'\n`,
    );
    chmodSync(program, 0o700);
    const appeared = new Promise<void>((resolve) => {
      const watcher = watch(folder, () => {
        if (!existsSync(done)) return;
        watcher.close();
        resolve();
      });
    });
    const url = new URL(
      `https://as.example/a?x=$(touch%20${folder}/pwned)&y=\`id\`&z=';touch ${folder}/pwned;'`,
    );
    await createBrowserOpener(program)(url);
    await appeared;
    expect(readFileSync(done, 'utf8')).toBe(`1\n${url.href}\n`);
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
  });

  it('says when that program cannot be started', async () => {
    const open = createBrowserOpener(join(folder, 'missing'));
    await expect(open(new URL('https://as.example/'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each([
    'http://as.example/authorize',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'data:text/html,hello',
    'vbscript:x',
    'ms-settings:privacy',
    'https://user:pass@as.example/',
    'http://127.0.0.1.evil.example/',
  ])('opens nothing for %s', (url) => {
    expect(() => requireBrowsableUrl(new URL(url))).toThrow(/not opened/);
  });

  it.each(['https://as.example/authorize', 'http://localhost:3000/a', 'http://[::1]:3000/a'])(
    'takes %s',
    (url) => {
      expect(() => requireBrowsableUrl(new URL(url))).not.toThrow();
    },
  );
});
