/** One option of `catalog-client proxy`. */
export interface ProxyOption {
  /** Placeholder of its value. Undefined: it is a switch. */
  readonly value?: string;
  readonly help: string;
  /** Another name of this option, for the command lines of mcp-remote. */
  readonly sameAs?: string;
  readonly isRepeatable?: boolean;
}

export const PROXY_OPTIONS: Readonly<Record<string, ProxyOption>> = {
  '--profile': { value: '<name>', help: 'a separate set of credentials (CATALOG_PROFILE)' },
  '--sign-in-at-start': { help: 'open the sign-in page at once when nobody is signed in' },
  '--allow-tool': {
    value: '<pattern>',
    help: 'offer only tools that match; * is any text',
    isRepeatable: true,
  },
  '--deny-tool': { value: '<pattern>', help: 'withhold tools that match', isRepeatable: true },
  '--strict-tools': {
    help: 'withhold a tool whose definition has changed since it was first seen',
  },
  '--accept-tools': { help: 'take every tool definition as it is now' },
  '--header': {
    value: '<"Name: value">',
    help: 'send a header to the server; ${NAME} is taken from the environment',
    isRepeatable: true,
  },
  '--header-env': {
    value: '<Name=VARIABLE>',
    help: 'send a header whose value is in an environment variable',
    isRepeatable: true,
  },
  '--header-file': {
    value: '<file>',
    help: 'send the headers in a file, one per line',
    isRepeatable: true,
  },
  '--scope': { value: '<scopes>', help: 'ask for these scopes at the login, separated by spaces' },
  '--issuer': {
    value: '<url>',
    help: 'use this authorization server of those that the server lists',
  },
  '--client-id': {
    value: '<id>',
    help: 'a client made by an operator; its secret comes from CATALOG_CLIENT_SECRET',
  },
  '--client-metadata-url': { value: '<url>', help: 'a client id metadata document' },
  '--callback-host': {
    value: '<host>',
    help: 'host of the redirect address: 127.0.0.1 or localhost',
  },
  '--port': { value: '<number>', help: 'port of the redirect address (default 9696)' },
  '--timeout': { value: '<seconds>', help: 'how long a login may take (default 300)' },
  '--connect-timeout': { value: '<seconds>', help: 'limit for a connection attempt (default 10)' },
  '--ipv4': { help: 'connect over IPv4 alone' },
  '--allow-http': {
    help: 'take plain http to another machine: everybody on the way reads everything',
  },
  '--resource': {
    value: '<uri>',
    help: 'ask for tokens for this resource, in credentials of their own',
  },
  '--verbose': { help: 'tell on stderr what happens' },
  '--log-file': { value: '<file>', help: 'write the log to a file in place of stderr' },
  '--help': { help: 'show this' },

  '--host': { value: '<host>', help: '', sameAs: '--callback-host' },
  '--ignore-tool': { value: '<pattern>', help: '', sameAs: '--deny-tool', isRepeatable: true },
  '--auth-timeout': { value: '<seconds>', help: '', sameAs: '--timeout' },
  '--debug': { help: '', sameAs: '--verbose' },
  '--transport': { value: '<strategy>', help: '' },
  '--protocol': { value: '<mode>', help: '' },
  '--static-oauth-client-info': { value: '<json | @file>', help: '' },
  '--static-oauth-client-metadata': { value: '<json | @file>', help: '' },
  '--silent': { help: '' },
  '--enable-proxy': { help: '' },
  '--keep-alive': { help: '' },
  '--ping-interval': { value: '<seconds>', help: '' },
  '--headers-timeout': { value: '<seconds>', help: '' },
  '--body-timeout': { value: '<seconds>', help: '' },
};

/** Options of mcp-remote that change what is sent, and that this proxy does not have: ignoring them would mislead. */
export const UNSUPPORTED: Readonly<Record<string, string>> = {
  '--callback-path': 'the redirect path is /oauth/callback',
  '--auth-success-url': 'the page after the login is fixed',
  '--authorize-param': 'no parameters can be added to the authorization request',
  '--disable-resource-parameter': 'the resource parameter is always sent',
  '--use-id-token': 'access tokens alone are sent',
  '--device-code': 'sign in beforehand with catalog-client login',
  '--client-credentials': 'sign in beforehand with catalog-client login',
  '--token-endpoint': 'the token endpoint is discovered',
  '--disable-cookies': 'cookies are kept for the life of the process',
};

export function proxyHelp(): string {
  const rows = Object.entries(PROXY_OPTIONS).filter(([, { help }]) => help !== '');
  const left = rows.map(([name, { value }]) => (value === undefined ? name : `${name} ${value}`));
  const width = Math.max(...left.map((text) => text.length)) + 2;
  const lines = rows.map(([, { help }], index) => `  ${(left[index] ?? '').padEnd(width)}${help}`);
  return `Usage: catalog-client proxy [options] <url> [callback port]

Serves an MCP server that is reached over HTTP as one on stdio, for hosts that start commands.
Answers at once; while nobody is signed in it offers the tool sign_in.

Options:
${lines.join('\n')}

The command line of mcp-remote is taken too: put "catalog-client proxy" in its place.
An API key in CATALOG_API_KEY is used in place of a login.
`;
}
