import type { Readable, Writable } from 'node:stream';
import { type Clock, systemClock } from '../../shared/clock.js';
import { type Logger, silentLogger } from '../../shared/logger.js';
import type { Result } from '../../shared/result.js';
import type { SealingSecret } from '../../shared/sealing.js';
import { type ChangeNotifier, type Changes, createChanges } from '../core/changes.js';
import type { AuditLog } from '../core/audit.js';
import { createAuditWriter } from '../core/audit-writer.js';
import type { MessageBus } from '../core/message-bus.js';
import type { Principal } from '../core/principal.js';
import { type PolicyOptions, createCallPolicy } from '../core/call-policy.js';
import type { CallLimits } from '../core/limits.js';
import type { Registry } from '../core/registry.js';
import type { RevocationFeed } from '../core/revocations.js';
import type { TaskStore } from '../core/task-store.js';
import { type Tasks, createTasks } from '../core/tasks.js';
import type { Upstreams } from '../core/upstream.js';
import { type Observer, combineObservers } from '../observe/observer.js';
import { createRequestStateCodec } from '../mcp/request-state.js';
import { type ServerInfo, createServerFactory } from '../mcp/server-factory.js';
import { connectStdio } from '../mcp/stdio-connection.js';
import { watchCredential } from './watch-credential.js';

export interface StdioServerOptions extends PolicyOptions {
  /** A function when the registry may be replaced while the server runs. */
  readonly registry: Registry | (() => Registry);
  readonly serverInfo: ServerInfo;
  /**
   * Who this connection is, for its whole life. An error: only the handshake is served, and everything else is
   * answered with its `message`, which has to say what to do. Undefined: no authentication.
   */
  readonly credential?: Result<Principal, { readonly message: string }> | undefined;
  /** Where the end of the credential is heard of while the connection lasts. Undefined: it ends by expiry alone. */
  readonly revocations?: RevocationFeed;
  /** What to do when the credential has ended: the end of the answer to everything that comes then. */
  readonly credentialAdvice?: string;
  /** Default: the process's own. */
  readonly input?: Readable;
  /** Carries protocol and nothing else. Default: the process's own. */
  readonly output?: Writable;
  /**
   * Requests at the beginning of {@link input} that somebody else has answered: the line that went out, by id. They are
   * taken in like all others, and are not answered again.
   */
  readonly answered?: ReadonlyMap<string | number, string> | undefined;
  readonly audit: AuditLog;
  /** Whether audit rows hold the arguments of a call, declared secrets taken out. Default false. */
  readonly auditArguments?: boolean;
  /** Told what the server does: metrics, traces, your own. */
  readonly observers?: readonly Observer[];
  /** APIs that tools may call with credentials of their own. */
  readonly upstreams?: Upstreams;
  /** Keeps the tasks of tools that go on after their answer. Default: none, and no call becomes a task. */
  readonly tasks?: TaskStore;
  readonly limits?: CallLimits;
  /** At least 16 secret bytes. */
  readonly stateSecret: SealingSecret;
  /** Of the storage, to hear of what changes in other processes. Default: within this process. */
  readonly bus?: MessageBus;
  /** Share one between transports to reach the clients of all. Default: over {@link bus}. */
  readonly changes?: Changes;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

export interface StdioServer {
  readonly notify: ChangeNotifier;
  /** Settled when the client has closed the input, or {@link close} was called. Ending the process is the caller's. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/**
 * An MCP server over stdio, both eras: the client's first message decides.
 *
 * The process speaks for one identity: do not put a server for several people behind one.
 *
 * @see MCP 2026-07-28 and 2025-11-25, basic/transports (stdio)
 */
export function serveStdio(options: StdioServerOptions): StdioServer {
  const { clock = systemClock, logger = silentLogger, credential } = options;
  const changes = options.changes ?? createChanges(options.bus, logger);
  const audit = createAuditWriter(options.audit, { logger });
  const given = options.registry;
  const policy = createCallPolicy(options, {
    limits: options.limits,
    stateSecret: options.stateSecret,
    clock,
    logger,
  });
  const tasks = options.tasks && createTasks(options.tasks, clock, logger);
  const registry = (): Registry => policy.complete(typeof given === 'function' ? given() : given);
  const access = watchCredential({ ...options, clock, logger });
  const connection = connectStdio({
    factory: createServerFactory({
      registry,
      isReplaceable: typeof given === 'function',
      serverInfo: options.serverInfo,
      transport: 'stdio',
      principal: credential?.ok === true ? credential.value : undefined,
      isPublic: credential === undefined,
      audit,
      auditArguments: options.auditArguments,
      observer: combineObservers(options.observers, logger),
      upstreams: options.upstreams,
      tasks,
      clock,
      logger,
      stateCodec: createRequestStateCodec(options.stateSecret, clock),
      policy,
    }),
    changes,
    input: options.input ?? process.stdin,
    output: options.output ?? process.stdout,
    answered: options.answered,
    logger,
    refusal: access.refusal,
  });
  const untilWritten = async (): Promise<void> => {
    await connection.closed;
    access.close();
    await endTasks(tasks, logger);
    await audit.flush();
  };
  return { notify: changes, closed: untilWritten(), close: () => connection.close() };
}

/** The client that could ask for them has gone with the connection, but it may come back. */
async function endTasks(tasks: Tasks | undefined, logger: Logger): Promise<void> {
  try {
    await tasks?.close();
    await tasks?.sweep();
  } catch (error) {
    logger.error('tasks: storage failed', { error });
  }
}
