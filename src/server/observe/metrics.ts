import type { Histogram, Counter } from 'prom-client';
import type { ObservedOperation, Observer, OperationEnd, ServerGauges } from './observer.js';

/** Metrics of a server in its own registry: nothing global is touched. */
export interface Metrics {
  readonly observer: Observer;
  /** Counts something that happens outside of MCP operations, such as a token that the authorization server issues. */
  countEvent(name: string): void;
  /** The `Content-Type` of {@link text}. */
  readonly contentType: string;
  /** In the Prometheus text format. */
  text(): Promise<string>;
}

export interface MetricsOptions {
  /** Whether process metrics (memory, CPU, event-loop lag) are included. Default true. */
  readonly hasProcessMetrics?: boolean;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly nowMs?: () => number;
}

// A call from memory takes well under a millisecond, one that asks a person takes minutes.
const BUCKETS_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];
/** Label values that may appear of one label; then everything new is `other`. Live reload brings new tools. */
const MAX_LABEL_VALUES = 500;
const OTHER = 'other';
const NONE = '';

const METHODS = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'tools/call',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/read',
  'resources/templates/list',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
  'logging/setLevel',
]);

/**
 * Prometheus metrics of the servers that get its observer. `prom-client` is loaded with the first call.
 *
 * Labels are bounded: names that a client makes up are none.
 */
export async function createMetrics(options: MetricsOptions = {}): Promise<Metrics> {
  const { hasProcessMetrics = true, nowMs = () => performance.now() } = options;
  const { default: prom } = await import('prom-client');
  const registry = new prom.Registry();
  const registers = [registry];
  if (hasProcessMetrics) prom.collectDefaultMetrics({ register: registry });
  const labelNames = ['method', 'target', 'era', 'transport', 'outcome'] as const;
  const operations = new prom.Counter({
    name: 'mcp_server_operations_total',
    help: 'MCP operations that ended, by outcome.',
    labelNames,
    registers,
  });
  const duration = new prom.Histogram({
    name: 'mcp_server_operation_duration_seconds',
    help: 'How long MCP operations took.',
    labelNames: ['method', 'target', 'era', 'transport'] as const,
    buckets: BUCKETS_SECONDS,
    registers,
  });
  const running = new prom.Gauge({
    name: 'mcp_server_operations_running',
    help: 'MCP operations that run now.',
    registers,
  });
  const refusals = new prom.Counter({
    name: 'mcp_server_refusals_total',
    help: 'Requests that were turned away, by HTTP status and private reason.',
    labelNames: ['status', 'reason'] as const,
    registers,
  });
  const lookups = new prom.Counter({
    name: 'mcp_server_token_cache_lookups_total',
    help: 'Access tokens shown: known from before (hit) or verified anew (miss).',
    labelNames: ['result'] as const,
    registers,
  });
  const events = new prom.Counter({
    name: 'mcp_server_events_total',
    help: 'What else happened.',
    labelNames: ['event'] as const,
    registers,
  });
  const gauges: ServerGauges[] = [];
  const total = (read: (gauge: ServerGauges) => number): number =>
    gauges.reduce((sum, gauge) => sum + read(gauge), 0);
  registry.registerMetric(
    new prom.Gauge({
      name: 'mcp_server_live_sessions',
      help: 'Sessions of 2025-era clients that this process keeps ready.',
      registers: [],
      collect() {
        this.set(total((gauge) => gauge.liveSessions()));
      },
    }),
  );
  registry.registerMetric(
    new prom.Gauge({
      name: 'mcp_server_open_streams',
      help: 'Streams that wait for news.',
      registers: [],
      collect() {
        this.set(total((gauge) => gauge.openStreams()));
      },
    }),
  );
  const targets = boundedLabels();
  const reasons = boundedLabels();
  const eventNames = boundedLabels();
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    countEvent: (name) => events.inc({ event: eventNames(name) }),
    observer: {
      serverStarted: (gauge) => void gauges.push(gauge),
      tokenLookedUp: (isKnown) => lookups.inc({ result: isKnown ? 'hit' : 'miss' }),
      requestRefused: ({ status, reason }) => refusals.inc({ status, reason: reasons(reason) }),
      operationStarted(operation) {
        const startedAt = nowMs();
        running.inc();
        return {
          ended(end) {
            running.dec();
            const labels = labelsOf(operation, targets);
            record(operations, duration, labels, end, (nowMs() - startedAt) / 1000);
          },
        };
      },
    },
  };
}

type Labels = Record<'method' | 'target' | 'era' | 'transport', string>;

function record(
  operations: Counter<keyof Labels | 'outcome'>,
  duration: Histogram<keyof Labels>,
  labels: Labels,
  { outcome }: OperationEnd,
  seconds: number,
): void {
  operations.inc({ ...labels, outcome });
  duration.observe(labels, seconds);
}

function labelsOf(operation: ObservedOperation, targets: (value: string) => string): Labels {
  const { method, target, era, transport } = operation;
  return {
    method: METHODS.has(method) ? method : OTHER,
    target: target === undefined ? NONE : targets(target.name),
    era,
    transport,
  };
}

function boundedLabels(): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= MAX_LABEL_VALUES) return OTHER;
    known.add(value);
    return value;
  };
}
