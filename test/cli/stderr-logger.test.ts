import { describe, expect, it } from 'vitest';
import { stderrLogger } from '../../src/cli/stderr-logger.js';

const clock = { nowMs: () => Date.UTC(2026, 6, 28, 9) };

function log(options: Partial<Parameters<typeof stderrLogger>[0]> = {}) {
  const lines: string[] = [];
  const logger = stderrLogger({
    level: 'debug',
    clock,
    write: (line) => lines.push(line),
    ...options,
  });
  return { logger, lines };
}

describe('the log on stderr', () => {
  it('writes one JSON object a line with time, level, message, trace and fields', () => {
    const { logger, lines } = log({ format: 'json', traceId: () => 'a'.repeat(32) });
    logger.warn('not ready', { check: 'storage', error: new Error('gone') });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith('\n')).toBe(true);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      time: '2026-07-28T09:00:00.000Z',
      level: 'warn',
      message: 'not ready',
      traceId: 'a'.repeat(32),
      check: 'storage',
      error: 'Error: gone',
    });
  });

  it('lets no field pass for the level, the time or the message', () => {
    const { logger, lines } = log({ format: 'json' });
    logger.info('real', { level: 'error', time: 'x', message: 'forged' });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', message: 'real' });
  });

  it('writes a line for people, and no value starts a line of its own', () => {
    const { logger, lines } = log();
    logger.error('it\nfailed', { tool: 'enroll', detail: 'a\nERROR forged', n: 3 });
    expect(lines).toEqual([
      '2026-07-28T09:00:00.000Z ERROR it failed tool=enroll detail="a\\nERROR forged" n=3\n',
    ]);
  });

  it('says nothing below its level', () => {
    const { logger, lines } = log({ level: 'error' });
    logger.warn('no');
    logger.error('yes');
    expect(lines).toHaveLength(1);
  });

  it.each(['text', 'json'] as const)('writes no secret as %s', (format) => {
    const { logger, lines } = log({ format });
    logger.debug('Bearer abc.def.ghi', { token: 'tok-1', url: 'https://x.example/?code=c0de' });
    expect(lines.join('')).not.toMatch(/abc\.def|tok-1|c0de/);
  });
});
