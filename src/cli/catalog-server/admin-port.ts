import type { IncomingMessage, ServerResponse } from 'node:http';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { createGuard, refuseHost } from '../../server/http/guard.js';
import { sendJson } from '../../server/http/respond.js';
import type { Metrics } from '../../server/observe/metrics.js';
import type { Readiness } from '../../server/observe/readiness.js';
import type { Logger } from '../../shared/logger.js';
import { listenOn } from './listen.js';

export interface AdminPortOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export interface AdminPort {
  readonly url: string;
  close(): Promise<void>;
}

const DRAIN_MS = 1000;

/**
 * The operator's port: `/metrics`, `/readyz`, `/healthz`, for GET alone. It asks for no credentials, so it belongs on
 * loopback or in a network of one's own; on loopback other host names are refused, so that no web page reads it by
 * DNS rebinding.
 */
export async function openAdminPort(options: AdminPortOptions): Promise<AdminPort> {
  const { host, readiness, metrics, logger } = options;
  const open = await listenOn(host, options.port, { host: '--admin-host', port: '--admin-port' });
  const url = `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${open.port}`;
  const guard = isLoopbackUrl(url) ? createGuard(url, []) : undefined;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [pathname] = (request.url ?? '/').split('?', 1);
    if (guard?.isAllowedHost(request) === false) {
      refuseHost(response);
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      sendJson(response, 405, { error: 'method_not_allowed' }, { allow: 'GET, HEAD' });
    } else if (pathname === '/healthz') {
      sendJson(response, 200, { status: 'ok' });
    } else if (pathname === '/readyz') {
      const { isReady, isDraining, checks } = await readiness.report();
      const status = isReady ? 'ready' : isDraining ? 'draining' : 'not_ready';
      sendJson(response, isReady ? 200 : 503, { status, checks });
    } else if (pathname === '/metrics') {
      const text = await metrics.text();
      response.writeHead(200, {
        'content-type': metrics.contentType,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.end(text);
    } else {
      sendJson(response, 404, { error: 'not_found' });
    }
  };
  open.serve((request, response) => {
    serve(request, response).catch((error: unknown) => {
      logger.error('the admin port failed', { error });
      if (!response.headersSent) sendJson(response, 500, { error: 'server_error' });
      else response.destroy();
    });
  });
  return { url, close: () => open.close(DRAIN_MS) };
}
