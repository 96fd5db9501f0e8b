import { ToolkitError } from '../shared/errors.js';

/** A URL that this toolkit does not fetch: wrong scheme, user info, or plain http to another machine. */
export class UrlNotAllowedError extends ToolkitError {
  readonly code = 'ERR_URL_NOT_ALLOWED';
  readonly target: string;

  constructor(target: string, reason: string) {
    super(`${target} is not fetched: ${reason}`);
    this.target = target;
  }
}

/** The host is, or resolves to, an address that is not on the public internet. Nothing was sent. */
export class AddressBlockedError extends ToolkitError {
  readonly code = 'ERR_ADDRESS_BLOCKED';
  readonly host: string;
  readonly address: string;

  constructor(host: string, address: string) {
    super(
      `${host} has the address ${address}, which is not public: not fetched. If it is a server of your own network, allow private networks for this client`,
    );
    this.host = host;
    this.address = address;
  }
}

/** A server answered with a redirect that is not followed. */
export class RedirectRefusedError extends ToolkitError {
  readonly code = 'ERR_REDIRECT_REFUSED';
  readonly origin: string;

  constructor(origin: string, target: string, reason: string) {
    super(`${origin} redirects to ${target}: ${reason}. Use the address it redirects to`);
    this.origin = origin;
  }
}

/** A body went over the byte limit. The connection is closed; what was read is dropped. */
export class ResponseTooLargeError extends ToolkitError {
  readonly code = 'ERR_RESPONSE_TOO_LARGE';
  readonly origin: string;
  readonly maxBytes: number;

  constructor(origin: string, maxBytes: number) {
    super(`${origin} sent more than the limit of ${maxBytes} bytes`);
    this.origin = origin;
    this.maxBytes = maxBytes;
  }
}

/** The answer did not arrive whole within the time limit. The server may have acted on the request. */
export class RequestTimeoutError extends ToolkitError {
  readonly code = 'ERR_REQUEST_TIMEOUT';
  readonly origin: string;
  readonly timeoutMs: number;

  constructor(origin: string, timeoutMs: number) {
    super(`${origin} did not answer within ${timeoutMs} ms`);
    this.origin = origin;
    this.timeoutMs = timeoutMs;
  }
}

/** No answer came: name resolution, connection, TLS, or a connection that broke. */
export class NetworkError extends ToolkitError {
  readonly code = 'ERR_NETWORK';
  readonly origin: string;
  /** System or TLS error code where there is one: `ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED`. */
  readonly reason: string;
  /** False only when it is certain that the request never left this machine. */
  readonly wasSent: boolean;

  constructor(origin: string, reason: string, wasSent: boolean, options?: ErrorOptions) {
    super(`cannot reach ${origin}: ${explain(reason)}`, options);
    this.origin = origin;
    this.reason = reason;
    this.wasSent = wasSent;
  }
}

function explain(reason: string): string {
  switch (reason) {
    case 'ECONNREFUSED':
      return 'nothing listens there (ECONNREFUSED). Check the address and that the server is running';
    case 'ENOTFOUND':
      return 'the host name does not exist (ENOTFOUND). Check the spelling';
    case 'EAI_AGAIN':
      return 'the name server does not answer (EAI_AGAIN). Check the network';
    default:
      return reason;
  }
}
