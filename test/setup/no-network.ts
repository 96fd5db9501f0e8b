import net from 'node:net';

// Tests reach this machine only. A connection anywhere else is a defect of the test or of the code under it.
const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '[::1]', '0.0.0.0', '::']);
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function guardedConnect(
  this: net.Socket,
  ...args: Parameters<typeof connect>
): net.Socket {
  const [first] = args as unknown[];
  const options = (Array.isArray(first) ? first[0] : first) as { host?: string; path?: string };
  if (
    typeof options === 'object' &&
    options.path === undefined &&
    options.host !== undefined &&
    !LOOPBACK.has(options.host) &&
    !options.host.startsWith('127.')
  ) {
    throw new Error(`a test tried to connect to ${options.host}: only loopback is allowed`);
  }
  return connect.apply(this, args);
} as typeof connect;
