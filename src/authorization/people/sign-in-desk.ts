import type { Federation, FederationFailure, FlowOwner } from '../federation/federation.js';
import type { UpstreamRequest } from '../federation/upstream-client.js';
import type { PageTexts } from '../pages/language.js';
import type { SignInChoices } from '../pages/sign-in-choices.js';
import type { AuthorizationStores, AuthorizationUser } from '../ports.js';
import type { LocalUsers } from './local-users.js';
import type { ResolvedSignIn } from './sign-in-options.js';

const MAX_PEOPLE = 50;

/** A person who has just proved who they are. */
export interface SignedIn {
  readonly kind: 'signed-in';
  readonly user: AuthorizationUser;
  /** `demo`, `password`, or the id of the identity provider. */
  readonly method: string;
  readonly idToken: string | undefined;
}

export type SignInOutcome =
  | SignedIn
  /** To the identity provider. */
  | { readonly kind: 'redirect'; readonly url: URL }
  /** Back to the page, with a word about what went wrong. */
  | {
      readonly kind: 'again';
      readonly status: number;
      readonly notice: (texts: PageTexts) => string;
      readonly reason: string;
      readonly userName?: string;
      readonly retryAfterSeconds?: number;
    }
  | Extract<FederationFailure, { kind: 'denied' | 'disabled' }>
  /** Nothing that the page could have sent, or the answer of a flow that is over. */
  | { readonly kind: 'refused'; readonly text: 'error.person' | 'error.state' };

/** The ways to sign in of one server, as pages offer them and forms send them. */
export interface SignInDesk {
  choices(options: {
    /** Whom the browser is signed in as. */
    readonly sessionUser: AuthorizationUser | undefined;
    /** Whether that is enough to go on. */
    readonly mayContinue: boolean;
    readonly userName?: string | undefined;
  }): Promise<SignInChoices>;
  /** What a posted form asks for. @param address - where it came from, for limits */
  submit(
    form: URLSearchParams,
    owner: FlowOwner,
    address: string,
    wish: Pick<UpstreamRequest, 'prompt' | 'uiLocales'>,
  ): Promise<SignInOutcome>;
  /** What an identity provider's answer brings. */
  comeBack(callback: URLSearchParams, owner: FlowOwner): Promise<SignInOutcome>;
}

export function createSignInDesk(parts: {
  readonly signIn: ResolvedSignIn;
  readonly federation: Federation;
  readonly localUsers: LocalUsers;
  readonly stores: AuthorizationStores;
}): SignInDesk {
  const { signIn, federation, localUsers, stores } = parts;
  return {
    async choices({ sessionUser, mayContinue, userName }) {
      const people = signIn.hasDemo
        ? (await stores.users.list(MAX_PEOPLE)).filter((user) => !user.isDisabled)
        : undefined;
      // The demo list shows the current person in its own way.
      const hasShortcut = mayContinue && sessionUser !== undefined && !signIn.hasDemo;
      return {
        current: hasShortcut ? sessionUser.displayName : undefined,
        providers: federation.providers.map(({ id, label }) => ({ id, label })),
        hasPasswordForm: signIn.hasLocalUsers,
        userName,
        demo: people
          ?.map(({ id, displayName, tenant }) => ({
            id,
            displayName,
            tenant,
            isCurrent: id === sessionUser?.id,
          }))
          .toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent)),
      };
    },
    async submit(form, owner, address, wish) {
      const providerId = form.get('provider');
      if (providerId !== null) {
        const isSwitch = form.get('switch') !== null && wish.prompt === undefined;
        const prompt = isSwitch ? 'select_account' : wish.prompt;
        const begun = await federation.begin(providerId, owner, { ...wish, prompt });
        return begun.ok ? { kind: 'redirect', url: begun.value } : fromFailure(begun.error);
      }
      const userName = form.get('user_name');
      if (userName !== null && signIn.hasLocalUsers) {
        const checked = await localUsers.signIn(userName, form.get('password') ?? '', address);
        if (checked.ok) {
          return { kind: 'signed-in', user: checked.value, method: 'password', idToken: undefined };
        }
        const shown = userName.slice(0, 128);
        if (checked.error.kind === 'failed') {
          return {
            kind: 'again',
            status: 403,
            notice: ({ t }) => t('signIn.failed'),
            reason: 'wrong user name or password',
            userName: shown,
          };
        }
        const { seconds } = checked.error;
        return {
          kind: 'again',
          status: 429,
          notice: ({ t }) => t('signIn.wait', { seconds }),
          reason: 'too many attempts',
          userName: shown,
          retryAfterSeconds: seconds,
        };
      }
      const personId = form.get('person');
      if (personId === null || !signIn.hasDemo) return { kind: 'refused', text: 'error.person' };
      const user = await stores.users.find(personId);
      return user === undefined || user.isDisabled
        ? { kind: 'refused', text: 'error.person' }
        : { kind: 'signed-in', user, method: 'demo', idToken: undefined };
    },
    async comeBack(callback, owner) {
      const finished = await federation.finish(callback, owner.id);
      if (!finished.ok) return fromFailure(finished.error);
      const { user, provider, idToken } = finished.value;
      return { kind: 'signed-in', user, method: provider.id, idToken };
    },
  };
}

function fromFailure(failure: FederationFailure): SignInOutcome {
  switch (failure.kind) {
    case 'stale':
      return { kind: 'refused', text: 'error.state' };
    case 'denied':
    case 'disabled':
      return failure;
    case 'cancelled':
    case 'unavailable': {
      const { kind, provider } = failure;
      return {
        kind: 'again',
        status: kind === 'cancelled' ? 200 : 503,
        notice: ({ t }) => t(`signIn.${kind}`, { provider: provider.label }),
        reason: kind,
      };
    }
  }
}
