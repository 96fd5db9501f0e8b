import { type Clock, nowSeconds } from '../../shared/clock.js';
import { hashId } from '../../shared/ids.js';
import { type Result, err, ok } from '../../shared/result.js';
import type { AuthorizationStores, AuthorizationUser, BackOff } from '../ports.js';
import {
  PasswordQueueFullError,
  hashPassword,
  needsRehash,
  normaliseUserName,
  verifyPassword,
} from './password.js';

/** Slows guessing at one account: five tries, then 1, 2, 4 … seconds, at most a quarter of an hour. */
const ACCOUNT_BACK_OFF: BackOff = {
  freeAttempts: 5,
  firstWaitSeconds: 1,
  maxWaitSeconds: 900,
  forgetAfterSeconds: 3600,
};
/** Slows one source that tries many accounts; a whole office may share an address. */
const ADDRESS_BACK_OFF: BackOff = {
  freeAttempts: 50,
  firstWaitSeconds: 1,
  maxWaitSeconds: 300,
  forgetAfterSeconds: 3600,
};
const BUSY_SECONDS = 2;

/** Says nothing about whether there is such a user. */
type LocalSignInFailure =
  | { readonly kind: 'failed' }
  | { readonly kind: 'wait'; readonly seconds: number };

/** People with a user name and a password here. */
export interface LocalUsers {
  signIn(
    userName: string,
    password: string,
    address: string,
  ): Promise<Result<AuthorizationUser, LocalSignInFailure>>;
}

export function createLocalUsers(stores: AuthorizationStores, clock: Clock): LocalUsers {
  const { passwords, users, signInAttempts } = stores;
  return {
    async signIn(given, password, address) {
      const userName = normaliseUserName(given) ?? '';
      const accountKey = hashId(`account ${userName}`);
      const now = nowSeconds(clock);
      const addressKey = hashId(`address ${address}`);
      for (const [key, backOff] of [
        [addressKey, ADDRESS_BACK_OFF],
        [accountKey, ACCOUNT_BACK_OFF],
      ] as const) {
        const seconds = await signInAttempts.begin(key, backOff, now);
        if (seconds > 0) return err({ kind: 'wait', seconds });
      }
      const record = await passwords.find(userName);
      try {
        if (!(await verifyPassword(record?.passwordHash, password)) || record === undefined) {
          return err({ kind: 'failed' });
        }
        if (needsRehash(record.passwordHash)) {
          await passwords.change({
            userName,
            passwordHash: await hashPassword(password),
            changedAt: record.changedAt,
          });
        }
      } catch (error) {
        if (error instanceof PasswordQueueFullError)
          return err({ kind: 'wait', seconds: BUSY_SECONDS });
        throw error;
      }
      const user = await users.find(record.userId);
      // A disabled person with the right password learns no more than a stranger.
      if (user === undefined || user.isDisabled) return err({ kind: 'failed' });
      await signInAttempts.forgive(addressKey);
      await signInAttempts.reset(accountKey);
      return ok(user);
    },
  };
}
