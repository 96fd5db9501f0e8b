/**
 * The server toolkit: define tools, resources and prompts once, serve them to both protocol eras over HTTP and stdio.
 */
export type { AccessTokenAlgorithm, Introspect, TrustedIssuer } from '../oauth/access-token.js';
export type { ClaimMapping } from '../oauth/claim-mapping.js';
export { type Clock, systemClock } from '../shared/clock.js';
export { ProtocolError, ToolkitError } from '../shared/errors.js';
export type { JsonObject, JsonValue } from '../shared/json.js';
export type { Logger } from '../shared/logger.js';
export { type Result, err, ok } from '../shared/result.js';
export {
  API_KEY_PREFIX,
  type ApiKeyRejection,
  type CreateApiKeyOptions,
  type NewApiKey,
  createApiKey,
  credentialFromApiKey,
  parseApiKeyId,
  verifyApiKey,
} from './core/api-key.js';
export {
  type Change,
  type ChangeNotifier,
  type Changes,
  type NumberedChange,
  createChanges,
} from './core/changes.js';
export { type BusMessage, type MessageBus } from './core/message-bus.js';
export type {
  Answer,
  Era,
  LogLevel,
  Question,
  RequestContext,
  ToolContext,
} from './core/context.js';
export type { PolicyOptions } from './core/call-policy.js';
export type { KeptResult, ResultStore } from './core/kept-results.js';
export {
  type CallLimits,
  DEFAULT_CALL_LIMITS,
  type RateLimit,
  type ToolLimits,
} from './core/limits.js';
export type { PermitLease, PermitStore, Rate } from './core/permits.js';
export type { Authorize } from './core/visible.js';
export {
  type CacheHint,
  type Completer,
  type ContentBlock,
  type ListingRule,
  type PromptArgument,
  type PromptDefinition,
  type PromptMessage,
  type ResourceContents,
  type ResourceDefinition,
  type ResourceTemplateDefinition,
  type ToolAnnotations,
  type ToolBudget,
  type ToolDefinition,
  type ToolResult,
  type ToolTask,
  definePrompt,
  defineResource,
  defineResourceTemplate,
  defineTool,
} from './core/define.js';
export type {
  AuditArchive,
  AuditFilter,
  AuditLog,
  AuditOrder,
  AuditOutcome,
  AuditPage,
  AuditRow,
  AuditSweep,
} from './core/audit.js';
export type {
  ApiKeyRecord,
  ApiKeyStore,
  EventLog,
  SessionAnswer,
  SessionQuestion,
  SessionRecord,
  SessionStore,
  StoredEvent,
  StreamCall,
  StreamState,
} from './core/ports.js';
export {
  type AuthenticationMethod,
  LOCAL_ISSUER,
  type Principal,
  isSameIdentity,
  principalKey,
} from './core/principal.js';
export type { Revocation, RevocationFeed } from './core/revocations.js';
export { type Registry, type RegistryOptions, createRegistry } from './core/registry.js';
export type {
  StoredTokenFailure,
  StoredUpstreamToken,
  StoredUpstreamTokens,
  Upstream,
  UpstreamRequest,
  Upstreams,
} from './core/upstream.js';
export type {
  TaskChanges,
  TaskInput,
  TaskRecord,
  TaskStatus,
  TaskStore,
} from './core/task-store.js';
export {
  type Schema,
  type SchemaIssue,
  type SchemaOutcome,
  type SchemaOutput,
  jsonSchema,
} from './core/schema.js';
export type { AuthenticationOptions, CredentialRejection } from './http/authenticate.js';
export type { FailureLimit } from './http/failure-gate.js';
export {
  type HttpHandler,
  type HttpLimits,
  type HttpServer,
  type HttpServerOptions,
  LAST_WORDS_MS,
  type Listening,
  createHttpServer,
} from './http/http-server.js';
export { trustInProcess } from './http/in-process-issuer.js';
export { IssuerMetadataError } from './http/issuers/errors.js';
export type { IntrospectionClient } from './http/issuers/introspection.js';
export {
  type RemoteIssuer,
  type RemoteIssuerOptions,
  openRemoteIssuer,
} from './http/issuers/remote-issuer.js';
export { type OpenPort, PortInUseError, openPort } from './http/open-port.js';
export { type ServeHttpOptions, type ServingHttp, serveHttp } from './http/serve-http.js';
export type { ServerInfo } from './mcp/server-factory.js';
export { type Metrics, type MetricsOptions, createMetrics } from './observe/metrics.js';
export type {
  ObservedOperation,
  ObservedRefusal,
  ObservedTarget,
  Observer,
  OperationEnd,
  OperationObserver,
  OperationOutcome,
  ServerGauges,
} from './observe/observer.js';
export {
  type Readiness,
  type ReadinessCheck,
  type ReadinessReport,
  createReadiness,
} from './observe/readiness.js';
export type { TraceContext } from './observe/trace-context.js';
export {
  type Tracing,
  type TracingOptions,
  createTracing,
  isTracingRegistered,
} from './observe/tracing.js';
export type { CredentialHeader } from './upstream/credential.js';
export {
  UpstreamCredentialError,
  type UpstreamFailure,
  UpstreamOriginError,
} from './upstream/errors.js';
export {
  type ClientAddress,
  type TrustedProxies,
  createClientAddress,
} from './http/client-address.js';
export { type ExchangedTokensOptions, createExchangedTokens } from './upstream/exchanged-tokens.js';
export { type InboundTokens, createInboundTokens } from './upstream/inbound-tokens.js';
export type { CredentialSource, SubjectToken } from './upstream/sources.js';
export { type AssertionOptions, assertSubject, storedSubject } from './upstream/subject-tokens.js';
export {
  type UpstreamDefinition,
  type UpstreamsOptions,
  createUpstreams,
} from './upstream/upstreams.js';
export { type StdioServer, type StdioServerOptions, serveStdio } from './stdio/serve-stdio.js';
export type { ModuleExports } from './watch/definitions.js';
export { BundlerMissingError, ToolFileError, type ToolFileFault } from './watch/errors.js';
export { type LoadToolsOptions, loadTools } from './watch/load-tools.js';
export type { ToolSource } from './watch/tool-source.js';
export { type WatchToolsOptions, type WatchedTools, watchTools } from './watch/watch-tools.js';
