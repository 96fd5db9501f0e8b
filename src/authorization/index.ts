export {
  DemoSignInNotLoopbackError,
  DevelopmentDefaultError,
  MasterSecretMismatchError,
} from './errors.js';
export type {
  AuthorizationServerOptions,
  PreRegisteredClient,
  RegistrationOptions,
  SignInOptions,
} from './options.js';
export type * from './ports.js';
export type { ProtectedResource } from './resources.js';
export { type AuthorizationServer, createAuthorizationServer } from './server.js';
