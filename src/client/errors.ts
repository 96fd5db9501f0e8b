import { ToolkitError, quote } from '../shared/errors.js';

/** Nobody is signed in, or the grant has ended for good. Only a login helps; nothing is retried. */
export class LoginRequiredError extends ToolkitError {
  readonly code = 'ERR_LOGIN_REQUIRED';
  readonly serverUrl: string;

  constructor(serverUrl: string, reason: string) {
    super(`${serverUrl} needs a login: ${reason}`);
    this.serverUrl = serverUrl;
  }
}

/** The token lacks scopes that the operation needs, and no login may be started here. */
export class ScopeRequiredError extends ToolkitError {
  readonly code = 'ERR_SCOPE_REQUIRED';
  readonly serverUrl: string;
  /** What a login has to ask for: everything held and everything challenged. */
  readonly scopes: readonly string[];

  constructor(serverUrl: string, scopes: readonly string[], reason: string) {
    super(`${serverUrl} wants the scopes ${quote(scopes.join(' '))}: ${reason}`);
    this.serverUrl = serverUrl;
    this.scopes = scopes;
  }
}

/** The server refuses credentials that were just renewed, or a key that it was given. */
export class CredentialsRejectedError extends ToolkitError {
  readonly code = 'ERR_CREDENTIALS_REJECTED';
  readonly serverUrl: string;

  constructor(serverUrl: string, reason: string) {
    super(`${serverUrl} refused the credentials: ${reason}`);
    this.serverUrl = serverUrl;
  }
}

/** A document that leads from the server to its authorization server is missing, broken or not to be trusted. */
export class DiscoveryError extends ToolkitError {
  readonly code = 'ERR_DISCOVERY';
  /** The document or step that failed. */
  readonly hop: 'resource-metadata' | 'authorization-server-metadata';

  constructor(hop: DiscoveryError['hop'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.hop = hop;
  }
}

/** The authorization server gives this client no identity. */
export class RegistrationError extends ToolkitError {
  readonly code = 'ERR_CLIENT_REGISTRATION';
}

/** A login ended without tokens: refused, answered wrongly, or answered by someone else. */
export class LoginFailedError extends ToolkitError {
  readonly code = 'ERR_LOGIN_FAILED';
}

/** Nobody finished the login in the browser in time. */
export class LoginTimeoutError extends ToolkitError {
  readonly code = 'ERR_LOGIN_TIMEOUT';

  constructor(seconds: number) {
    super(`nobody finished the login within ${seconds} s`);
  }
}

/** The loopback port for the callback cannot be had. */
export class CallbackPortError extends ToolkitError {
  readonly code = 'ERR_CALLBACK_PORT';
  readonly port: number;

  constructor(port: number, reason: string) {
    super(`port ${port} for the login callback cannot be used: ${reason}`);
    this.port = port;
  }
}

/** A refresh failed for a reason that may pass; the grant still stands. */
export class RefreshFailedError extends ToolkitError {
  readonly code = 'ERR_REFRESH_FAILED';
}

/** The file with the credentials cannot be read or written. */
export class CredentialStoreError extends ToolkitError {
  readonly code = 'ERR_CREDENTIAL_STORE';
}

/** The key that opens the credentials is not the one they were sealed with, or cannot be had. */
export class CredentialKeyError extends ToolkitError {
  readonly code = 'ERR_CREDENTIAL_KEY';
}

/** Another process of this machine holds a lock for longer than the caller would wait. */
export class LockTimeoutError extends ToolkitError {
  readonly code = 'ERR_LOCK_TIMEOUT';
  readonly holderPid: number | undefined;

  constructor(what: string, waitedMs: number, holderPid: number | undefined) {
    const holder = holderPid === undefined ? 'another process' : `process ${holderPid}`;
    super(`${holder} is still busy with ${what} after ${Math.round(waitedMs / 1000)} s`);
    this.holderPid = holderPid;
  }
}
