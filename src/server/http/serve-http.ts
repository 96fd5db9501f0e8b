import {
  type HttpServer,
  type HttpServerOptions,
  type Listening,
  createHttpServer,
} from './http-server.js';

export interface ServeHttpOptions extends HttpServerOptions {
  /** Default 3000; 0 for any free one. */
  readonly port?: number;
  /** Default `localhost`. */
  readonly host?: string;
}

export interface ServingHttp extends Listening, Pick<HttpServer, 'notify' | 'close'> {}

/** Makes an HTTP server and starts it: {@link createHttpServer} and its `listen` in one call. */
export async function serveHttp(options: ServeHttpOptions): Promise<ServingHttp> {
  const { port = 3000, host } = options;
  const server = createHttpServer(options);
  const listening = await server.listen({ port, ...(host !== undefined && { host }) });
  return { ...listening, notify: server.notify, close: () => server.close() };
}
