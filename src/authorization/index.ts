export {
  DemoSignInNotLoopbackError,
  DevelopmentDefaultError,
  MasterSecretMismatchError,
} from './errors.js';
export type { AuthorizationServerOptions, RegistrationOptions } from './options.js';
export { parseProviders } from './federation/parse-providers.js';
export type { AllowRule, UpstreamProvider } from './federation/provider.js';
export type { AuthorizationEvent, EventSink } from './people/events.js';
export {
  type GrantDirectory,
  type GrantFilter,
  type StoredGrant,
  createGrantDirectory,
} from './people/grant-directory.js';
export { checkNewPassword, hashPassword, normaliseUserName } from './people/password.js';
export type { SignInMethod, SignInOptions } from './people/sign-in-options.js';
export type { SigningAlgorithm } from './capabilities.js';
export {
  type ClientDirectory,
  type StoredClient,
  createClientDirectory,
} from './clients/client-directory.js';
export type { ClientAuthMethod, PreRegisteredClient } from './clients/configured-client.js';
export { type ClientConfiguration, parseClients } from './clients/parse-clients.js';
export type { ClientDocumentOptions } from './clients/document-resolver.js';
export type { ClientDescription, ClientTrust, ClientTrustPolicy } from './clients/trust.js';
export type * from './grants/options.js';
export {
  type KeyRemoval,
  type SigningKeyDirectory,
  type StoredSigningKey,
  createSigningKeyDirectory,
} from './keys/key-directory.js';
export type { KeyPhase, KeySchedule } from './keys/lifecycle.js';
export { type ResealCount, type ResealReport, resealAll } from './keys/reseal.js';
export type * from './ports.js';
export type { ProtectedResource } from './resources.js';
export { type AuthorizationServer, createAuthorizationServer } from './server.js';
