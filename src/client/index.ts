// The client of the toolkit: credentials, login and connections for any MCP server.
export { Broker, type BrokerOptions, type RevocationOutcome } from './broker.js';
export { type ClientFetchOptions, createClientFetch } from './client-fetch.js';
export { type ConnectOptions, connect } from './connect.js';
export { type AuthorizedFetchOptions, createAuthorizedFetch } from './authorized-fetch.js';
export {
  CallbackPortError,
  CredentialKeyError,
  CredentialStoreError,
  CredentialsRejectedError,
  DiscoveryError,
  LockTimeoutError,
  LoginFailedError,
  LoginRequiredError,
  LoginTimeoutError,
  RefreshFailedError,
  RegistrationError,
  ScopeRequiredError,
} from './errors.js';
export type { ClientRegistration, Grant, GrantEndpoints } from './grant.js';
export { HostConfigError } from './hosts/errors.js';
export {
  BRIDGES,
  type Bridge,
  type HostConfigOptions,
  KEY_PLACEHOLDER,
  LAUNCHES,
  type Launch,
  type Launcher,
  WAYS_IN,
  type WayIn,
  hostEntry,
  proxyCommand,
} from './hosts/host-config.js';
export { HOSTS, type Host, type HostPlatform, hostConfigPaths } from './hosts/host-profiles.js';
export { type OpenBrowser, createBrowserOpener } from './login/browser.js';
export { type LoginOptions, type LoginRequest, login } from './login/login.js';
export { type OAuthProviderOptions, createOAuthProvider } from './oauth-provider.js';
export type { ClientIdentityOptions } from './registration.js';
export { clientHome } from './store/config-folder.js';
export { type Keychain, systemKeychain } from './store/wrapping-key.js';
export type { FetchLike } from './token-endpoint.js';
