export {
  DemoSignInNotLoopbackError,
  DevelopmentDefaultError,
  MasterSecretMismatchError,
} from './errors.js';
export type { AuthorizationServerOptions, RegistrationOptions, SignInOptions } from './options.js';
export type { SigningAlgorithm } from './capabilities.js';
export type { ClientAuthMethod, PreRegisteredClient } from './clients/configured-client.js';
export type { ClientDocumentOptions } from './clients/document-resolver.js';
export type { ClientDescription, ClientTrust, ClientTrustPolicy } from './clients/trust.js';
export type * from './grants/options.js';
export type * from './ports.js';
export type { ProtectedResource } from './resources.js';
export { type AuthorizationServer, createAuthorizationServer } from './server.js';
