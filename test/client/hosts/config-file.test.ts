import fc from 'fast-check';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeConfigFile, undoConfigChange } from '../../../src/client/hosts/config-file.js';
import { setHostEntry } from '../../../src/client/hosts/host-document.js';
import { systemClock } from '../../../src/shared/clock.js';

const ENTRY = { command: 'npx', args: ['-y', 'x'] };
const write = (text: string | undefined): string => setHostEntry('cursor', text, 'catalog', ENTRY);

describe('a configuration file of a host', () => {
  let folder: string;
  let path: string;
  const options = (): { path: string; home: string; clock: typeof systemClock } => ({
    path,
    home: join(folder, 'home'),
    clock: systemClock,
  });
  const change = (edit = write) => changeConfigFile({ ...options(), isDryRun: false }, edit);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'catalog-mcp-test-'));
    path = join(folder, 'config', 'mcp.json');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (text: string | Buffer): void => {
    path = join(folder, 'mcp.json');
    writeFileSync(path, text);
  };

  it('is made with its folder, for its owner alone, and gone again after undo', async () => {
    await change();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ mcpServers: { catalog: ENTRY } });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await expect(undoConfigChange(options())).resolves.toMatchObject({ removed: true });
    expect(existsSync(path)).toBe(false);
  });

  it('keeps its mode and its links', async () => {
    put('{ "a": 1 }\n');
    chmodSync(path, 0o640);
    const target = path;
    path = join(folder, 'link.json');
    symlinkSync('mcp.json', path);
    await change();
    expect(statSync(target).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).sort()).toEqual(['home', 'link.json', 'mcp.json']);
    expect(readFileSync(target, 'utf8')).toContain('catalog');
    await undoConfigChange(options());
    expect(readFileSync(target, 'utf8')).toBe('{ "a": 1 }\n');
    expect(statSync(target).mode & 0o777).toBe(0o640);
  });

  it('is made behind a link that leads to nothing yet', async () => {
    path = join(folder, 'link.json');
    symlinkSync('there.json', path);
    await change();
    expect(readFileSync(join(folder, 'there.json'), 'utf8')).toContain('catalog');
  });

  it('goes back step by step, and not past the first', async () => {
    put('{}');
    await change();
    const first = readFileSync(path, 'utf8');
    await change((text) => setHostEntry('cursor', text, 'other', ENTRY));
    await undoConfigChange(options());
    expect(readFileSync(path, 'utf8')).toBe(first);
    await undoConfigChange(options());
    expect(readFileSync(path, 'utf8')).toBe('{}');
    await expect(undoConfigChange(options())).rejects.toThrow('no change of this program');
  });

  it('is not touched by undo once somebody else has changed it', async () => {
    put('{}');
    await change();
    writeFileSync(path, '{"mine":true}');
    await expect(undoConfigChange(options())).rejects.toThrow('has been changed since');
    expect(readFileSync(path, 'utf8')).toBe('{"mine":true}');
  });

  it('is not written when it would not change, and in no dry run', async () => {
    put('{}');
    await change();
    const { mtimeNs } = statSync(path, { bigint: true });
    await change();
    expect(statSync(path, { bigint: true }).mtimeNs).toBe(mtimeNs);
    await undoConfigChange(options());
    await changeConfigFile({ ...options(), isDryRun: true }, write);
    expect(readFileSync(path, 'utf8')).toBe('{}');
    await expect(undoConfigChange(options())).rejects.toThrow('no change');
  });

  it.each([
    ['not valid', '{\n  "a": 1,,\n}', 'line 2, column 10'],
    ['no text', Buffer.from([0x7b, 0xff, 0x7d]), 'not UTF-8'],
    ['nested without end', '['.repeat(20_000), /nested too deeply|line 1/],
  ])('is refused and left alone when it is %s', async (_name, content, message) => {
    put(content);
    await expect(change()).rejects.toThrow(message);
    expect(readFileSync(path)).toEqual(Buffer.from(content));
    expect(readdirSync(folder)).not.toContainEqual(expect.stringContaining('.tmp'));
  });

  it('is left alone when another program writes it at the same moment', async () => {
    put('{}');
    const racing = change((text) => {
      writeFileSync(path, '{"theirs":1}');
      return write(text);
    });
    await expect(racing).rejects.toThrow('at this very moment');
    expect(readFileSync(path, 'utf8')).toBe('{"theirs":1}');
    await expect(undoConfigChange(options())).rejects.toMatchObject({ code: 'ERR_HOST_CONFIG' });
    expect(readFileSync(path, 'utf8')).toBe('{"theirs":1}');
  });

  it('has all entries when many processes write at once', async () => {
    put('{}');
    const names = Array.from({ length: 8 }, (_, index) => `server-${index}`);
    await Promise.all(
      names.map((name) => change((text) => setHostEntry('cursor', text, name, ENTRY))),
    );
    const { mcpServers } = JSON.parse(readFileSync(path, 'utf8')) as { mcpServers: object };
    expect(Object.keys(mcpServers).sort()).toEqual(names);
  });

  it('is the same to the byte after write and undo, whatever it was', async () => {
    put('');
    const blank = fc.constantFrom('', ' ', '\n', '\r\n', '\t', '/* ü */', '// b\n');
    const text = fc
      .tuple(
        fc.constantFrom('', '\uFEFF'),
        blank,
        fc.json(),
        blank,
        fc.dictionary(fc.string(), fc.json()),
      )
      .map(([mark, before, value, after, others]) => {
        const members = Object.entries(others).map(
          ([key, other]) => `${before}${JSON.stringify(key)}:${other}${after}`,
        );
        return `${mark}${before}{"x":${value}${members.map((member) => `,${member}`).join('')}}${after}`;
      });
    await fc.assert(
      fc.asyncProperty(text, async (content) => {
        writeFileSync(path, content);
        await change();
        expect(readFileSync(path, 'utf8')).toContain('catalog');
        await undoConfigChange(options());
        expect(readFileSync(path)).toEqual(Buffer.from(content));
      }),
      { seed: 20_262, numRuns: 60 },
    );
  });
});
