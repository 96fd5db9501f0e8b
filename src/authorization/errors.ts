import { ToolkitError, quote } from '../shared/errors.js';

/** The demo sign-in lets anybody be anybody: it runs on this machine's own addresses alone. */
export class DemoSignInNotLoopbackError extends ToolkitError {
  readonly code = 'ERR_DEMO_SIGN_IN_NOT_LOOPBACK';
  readonly issuer: string;

  constructor(issuer: string) {
    super(
      `the demo sign-in has no passwords and is refused for issuer ${quote(issuer)}: give identity providers with --idp, or use --sign-in local`,
    );
    this.issuer = issuer;
  }
}

/** The engine would run on something meant for development only. */
export class DevelopmentDefaultError extends ToolkitError {
  readonly code = 'ERR_DEVELOPMENT_DEFAULT';
  readonly setting: string;

  constructor(setting: string) {
    super(
      `authorization server setting ${quote(setting)} is a development default: it has to be set`,
    );
    this.setting = setting;
  }
}

/** What the database holds was sealed under another master secret. */
export class MasterSecretMismatchError extends ToolkitError {
  readonly code = 'ERR_MASTER_SECRET_MISMATCH';
  readonly kid: string;

  constructor(kid: string) {
    super(
      `signing key ${quote(kid)} in the database does not open with this master secret: give the secret it was made with, as CATALOG_MASTER_SECRET, or, while it is being replaced, as CATALOG_MASTER_SECRET_PREVIOUS`,
    );
    this.kid = kid;
  }
}
