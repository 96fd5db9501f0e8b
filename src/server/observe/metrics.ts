import type { ObservedOperation, Observer, OperationOutcome, ServerGauges } from './observer.js';

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
  const series = createSeries();
  registry.registerMetric(
    new prom.Counter({
      name: 'mcp_server_operations_total',
      help: 'MCP operations that ended, by outcome.',
      labelNames: ['method', 'target', 'era', 'transport', 'outcome'] as const,
      registers: [],
      collect() {
        this.reset();
        for (const { labels, outcomes } of series.all()) {
          for (const [outcome, count] of outcomes) this.inc({ ...labels, outcome }, count);
        }
      },
    }),
  );
  const duration = new prom.Histogram({
    name: 'mcp_server_operation_duration_seconds',
    help: 'How long MCP operations took.',
    labelNames: ['method', 'target', 'era', 'transport'] as const,
    buckets: BUCKETS_SECONDS,
    registers,
  });
  let running = 0;
  registry.registerMetric(
    new prom.Gauge({
      name: 'mcp_server_operations_running',
      help: 'MCP operations that run now.',
      registers: [],
      collect() {
        this.set(running);
      },
    }),
  );
  const refusals = new prom.Counter({
    name: 'mcp_server_refusals_total',
    help: 'Requests that were turned away, by HTTP status and private reason.',
    labelNames: ['status', 'reason'] as const,
    registers,
  });
  const lookups = { hit: 0, miss: 0 };
  registry.registerMetric(
    new prom.Counter({
      name: 'mcp_server_token_cache_lookups_total',
      help: 'Access tokens shown: known from before (hit) or verified anew (miss).',
      labelNames: ['result'] as const,
      registers: [],
      collect() {
        this.reset();
        this.inc({ result: 'hit' }, lookups.hit);
        this.inc({ result: 'miss' }, lookups.miss);
      },
    }),
  );
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
  const reasons = boundedLabels();
  const eventNames = boundedLabels();
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    countEvent: (name) => events.inc({ event: eventNames(name) }),
    observer: {
      serverStarted: (gauge) => void gauges.push(gauge),
      tokenLookedUp(isKnown) {
        lookups[isKnown ? 'hit' : 'miss'] += 1;
      },
      requestRefused: ({ status, reason }) => refusals.inc({ status, reason: reasons(reason) }),
      operationStarted(operation) {
        const startedAt = nowMs();
        running += 1;
        return {
          ended({ outcome }) {
            running -= 1;
            const { labels, outcomes } = series.of(operation);
            outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
            duration.observe(labels, (nowMs() - startedAt) / 1000);
          },
        };
      },
    },
  };
}

interface Series {
  readonly labels: Record<'method' | 'target' | 'era' | 'transport', string>;
  readonly outcomes: Map<OperationOutcome, number>;
}

/** Counted here and given to the registry when it is read: its own way of adding one is the larger part of a cheap call. */
function createSeries(): { of(operation: ObservedOperation): Series; all(): Iterable<Series> } {
  const known = new Map<string, Series>();
  const targets = boundedLabels();
  return {
    all: () => known.values(),
    of({ method: asked, target: found, era, transport }) {
      const method = METHODS.has(asked) ? asked : OTHER;
      const target = found === undefined ? NONE : targets(found.name);
      const key = `${method} ${era} ${transport} ${target}`;
      const series = known.get(key);
      if (series !== undefined) return series;
      const made: Series = { labels: { method, target, era, transport }, outcomes: new Map() };
      known.set(key, made);
      return made;
    },
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
