import { describe, expect, test } from 'vitest';
import {
  DEFAULT_KEY_SCHEDULE,
  type KeyDates,
  datesFrom,
  inSigningOrder,
  nextKeyDates,
  phasesOf,
} from '../../../src/authorization/keys/lifecycle.js';
import { resolveSchedule, tokenLifetime } from '../../../src/authorization/keys/schedule.js';

const DAY = 86_400;
const TOKEN = 930;
const schedule = DEFAULT_KEY_SCHEDULE;

function named(kid: string, dates: KeyDates, algorithm = 'ES256') {
  return { kid, algorithm, privateJwk: 'sealed', createdAt: 0, ...dates };
}

describe('the life of a key', () => {
  test('is fixed at birth: signs for 30 days, verifies for 2 more', () => {
    expect(datesFrom(100, schedule)).toEqual({
      activateAt: 100,
      retireAt: 100 + 30 * DAY,
      removeAt: 100 + 32 * DAY,
    });
  });

  test('goes from published to signs to verifies to removed, with its successor a step behind', () => {
    const first = named('first', datesFrom(0, schedule));
    const second = named('second', datesFrom(30 * DAY, schedule));
    const at = (day: number) =>
      [...phasesOf([first, second], day * DAY, TOKEN)].map(([, phase]) => phase);

    expect(at(29)).toEqual(['signs', 'published']);
    expect(at(30)).toEqual(['verifies', 'signs']);
    expect(at(31.9)).toEqual(['verifies', 'signs']);
    expect(at(32)).toEqual(['removed', 'signs']);
  });

  test('lets one key of each algorithm sign', () => {
    const phases = phasesOf(
      [named('es', datesFrom(0, schedule)), named('rs', datesFrom(0, schedule), 'RS256')],
      DAY,
      TOKEN,
    );

    expect([...phases.values()]).toEqual(['signs', 'signs']);
  });

  test('lets a retired key go on while its successor is late, as long as its tokens can be verified', () => {
    const late = [
      named('old', datesFrom(0, schedule)),
      named('new', datesFrom(31 * DAY, schedule)),
    ];
    const signer = (now: number) => inSigningOrder(late, now, TOKEN)[0]?.kid;

    expect(signer(30.5 * DAY)).toBe('old');
    expect(signer(31 * DAY)).toBe('new');
    const tooLate = [
      late[0] ?? named('', datesFrom(0, schedule)),
      named('new', datesFrom(40 * DAY, schedule)),
    ];
    expect(inSigningOrder(tooLate, 32 * DAY - TOKEN + 1, TOKEN)[0]?.kid).toBe('new');
  });
});

describe('the next key', () => {
  const one = [datesFrom(0, schedule)];

  test('is not made before its time', () => {
    expect(nextKeyDates(one, 28 * DAY, schedule, TOKEN)).toBeUndefined();
  });

  test('is published for the whole lead before it takes over from the last one', () => {
    const dates = nextKeyDates(one, 29 * DAY, schedule, TOKEN);

    expect(dates).toEqual(datesFrom(30 * DAY, schedule));
    expect(nextKeyDates([...one, datesFrom(30 * DAY, schedule)], 29 * DAY, schedule, TOKEN)).toBe(
      undefined,
    );
  });

  test('gets its lead also when no process ran at the time, if the last one can sign until then', () => {
    expect(nextKeyDates(one, 30 * DAY, schedule, TOKEN)?.activateAt).toBe(31 * DAY);
  });

  test('signs at once when nothing else can', () => {
    expect(nextKeyDates([], 5, schedule, TOKEN)?.activateAt).toBe(5);
    expect(nextKeyDates(one, 90 * DAY, schedule, TOKEN)?.activateAt).toBe(90 * DAY);
    expect(nextKeyDates(one, 32 * DAY - TOKEN, schedule, TOKEN)?.activateAt).toBe(32 * DAY - TOKEN);
  });
});

describe('a schedule', () => {
  test.each([
    [{ overlapSeconds: 900 }, 'overlapSeconds is 900: tokens have to be verifiable for 930 s'],
    [{ rotateEverySeconds: 100, publishLeadSeconds: 60 }, 'at least twice publishLeadSeconds'],
    [{ publishLeadSeconds: 0 }, 'publishLeadSeconds is 0'],
    [{ rotateEverySeconds: 1.5 }, 'rotateEverySeconds is 1.5'],
  ])('%j is refused with the field that is wrong', (given, message) => {
    expect(() => resolveSchedule(given, TOKEN)).toThrow(message);
  });

  test('keeps keys longer than the longest token of any resource', () => {
    const resources = [{ resource: 'https://a.example', scopes: {}, accessTokenTtlSeconds: 7200 }];

    expect(tokenLifetime(resources)).toBe(7530);
    expect(tokenLifetime([{ resource: 'https://a.example', scopes: {} }])).toBe(930);
  });
});
