import {
  type CredentialDocument,
  EMPTY_DOCUMENT,
  type ClientRegistration,
  type Grant,
  type PendingLogin,
  grantKey,
} from './grant.js';
import { ProfileFile, type ProfileFileOptions } from './store/profile-file.js';

/** What a profile holds, as operations: each is one change of the sealed file, made under its lock. */
export class CredentialStore {
  readonly #file: ProfileFile<CredentialDocument>;

  constructor(options: ProfileFileOptions) {
    this.#file = new ProfileFile(options, EMPTY_DOCUMENT);
  }

  /** The last used grant for a server, or the one of `issuer`. */
  async findGrant(serverUrl: string, issuer?: string): Promise<Grant | undefined> {
    const { grants, current } = await this.#file.read();
    const key = current[serverUrl];
    const latest = key === undefined ? undefined : grants[key];
    if (issuer === undefined || latest?.issuer === issuer) return latest;
    return Object.values(grants).find(
      (grant) => grant.serverUrl === serverUrl && grant.issuer === issuer,
    );
  }

  async grantByKey(key: string): Promise<Grant | undefined> {
    return (await this.#file.read()).grants[key];
  }

  async listGrants(): Promise<readonly Grant[]> {
    return Object.values((await this.#file.read()).grants);
  }

  async lastServerUrl(): Promise<string | undefined> {
    return (await this.#file.read()).lastServerUrl;
  }

  async findRegistration(issuer: string): Promise<ClientRegistration | undefined> {
    return (await this.#file.read()).registrations[issuer];
  }

  async saveRegistration(registration: ClientRegistration): Promise<void> {
    await this.#file.update((document) => ({
      ...document,
      registrations: { ...document.registrations, [registration.issuer]: registration },
    }));
  }

  /** Forgets a registration that the server no longer knows; another one in its place stays. */
  async dropRegistration(issuer: string, clientId: string): Promise<void> {
    await this.#file.update((document) => {
      if (document.registrations[issuer]?.clientId !== clientId) return undefined;
      return { ...document, registrations: without(document.registrations, issuer) };
    });
  }

  /** Stores what a login brought and makes it the server's current grant. */
  async saveGrant(grant: Omit<Grant, 'version'>): Promise<Grant> {
    const key = grantKey(grant);
    const document = await this.#file.update((before) => ({
      ...before,
      grants: {
        ...before.grants,
        [key]: { ...grant, version: (before.grants[key]?.version ?? 0) + 1 },
      },
      current: { ...before.current, [grant.serverUrl]: key },
      lastServerUrl: grant.serverUrl,
    }));
    return requireGrant(document, key);
  }

  async rememberServer(serverUrl: string): Promise<void> {
    await this.#file.update((document) =>
      document.lastServerUrl === serverUrl ? undefined : { ...document, lastServerUrl: serverUrl },
    );
  }

  /**
   * Replaces a grant if it is still the one that `expected` describes.
   *
   * @returns the grant on disk afterwards: the new one, the one that was there instead, or undefined
   */
  async swapGrant(
    key: string,
    isExpected: (grant: Grant) => boolean,
    next: (grant: Grant) => Omit<Grant, 'version'>,
  ): Promise<{ readonly swapped: boolean; readonly grant: Grant | undefined }> {
    let swapped = false;
    const document = await this.#file.update((before) => {
      const grant = before.grants[key];
      if (grant === undefined || !isExpected(grant)) return undefined;
      swapped = true;
      const changed = { ...next(grant), version: grant.version + 1 };
      return { ...before, grants: { ...before.grants, [key]: changed } };
    });
    return { swapped, grant: document.grants[key] };
  }

  async findLogin(serverUrl: string): Promise<PendingLogin | undefined> {
    return (await this.#file.read()).logins?.[serverUrl];
  }

  /**
   * Puts a login in the place of `expected`, which is what the caller saw there.
   *
   * @returns whether it is the one now: of processes that ask together one wins
   */
  async claimLogin(
    serverUrl: string,
    expected: PendingLogin | undefined,
    login: PendingLogin,
  ): Promise<boolean> {
    let isClaimed = false;
    await this.#file.update((document) => {
      if (document.logins?.[serverUrl]?.id !== expected?.id) return undefined;
      isClaimed = true;
      return { ...document, logins: { ...document.logins, [serverUrl]: login } };
    });
    return isClaimed;
  }

  /** Changes a login, or removes it when `next` gives undefined. Another one in its place stays. */
  async changeLogin(
    serverUrl: string,
    id: string,
    next: (login: PendingLogin) => PendingLogin | undefined,
  ): Promise<void> {
    await this.#file.update((document) => {
      const login = document.logins?.[serverUrl];
      if (login?.id !== id) return undefined;
      const changed = next(login);
      const others = without(document.logins ?? {}, serverUrl);
      return {
        ...document,
        logins: changed === undefined ? others : { ...others, [serverUrl]: changed },
      };
    });
  }

  async removeGrant(key: string): Promise<void> {
    await this.#file.update((document) => {
      const grant = document.grants[key];
      if (grant === undefined) return undefined;
      const isCurrent = document.current[grant.serverUrl] === key;
      return {
        ...document,
        grants: without(document.grants, key),
        current: isCurrent ? without(document.current, grant.serverUrl) : document.current,
      };
    });
  }
}

function requireGrant(document: CredentialDocument, key: string): Grant {
  const grant = document.grants[key];
  if (grant === undefined) throw new TypeError('a grant that was just written is not there');
  return grant;
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}
