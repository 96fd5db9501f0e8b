// A host that signs in and calls one tool, written as each library's documentation shows:
// sdk-host.mjs LIBRARY MODULES MCP-URL STORE-FILE. MODULES are the URLs of the library's modules, separated by commas.
// Prints what the tool answered. STORE-FILE keeps client and tokens between runs, as a host would.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [library, moduleUrls, mcpUrl, storeFile] = process.argv.slice(2);
const modules = Object.assign({}, ...(await Promise.all(moduleUrls.split(',').map(load))));
const CALL = { name: 'search_courses', arguments: { query: 'sql' } };
const INFO = { name: 'interop-host', version: '1.0.0' };

function load(url) {
  return import(url);
}

/** The page that the authorization server sends the browser back to. */
async function openCallback() {
  const arrived = deferred();
  const server = createServer((request, response) => {
    response.end('You can close this page.');
    arrived.resolve(new URL(request.url, 'http://127.0.0.1').searchParams);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/callback`;
  return { url, params: arrived.promise, close: () => server.close() };
}

function deferred() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

class FileProvider {
  #kept = existsSync(storeFile) ? JSON.parse(readFileSync(storeFile, 'utf8')) : {};

  constructor(redirectUrl) {
    this.redirectUrl = redirectUrl;
  }

  get clientMetadata() {
    return {
      client_name: `Interop host on ${library}`,
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  #keep(values) {
    this.#kept = { ...this.#kept, ...values };
    writeFileSync(storeFile, JSON.stringify(this.#kept), { mode: 0o600 });
  }

  state = () => randomUUID();
  saveState = (state) => this.#keep({ state });
  storedState = () => this.#kept.state;
  clientInformation = () => this.#kept.client;
  saveClientInformation = (client) => this.#keep({ client });
  isClientInformationDynamicallyRegistered = () => this.#kept.client !== undefined;
  tokens = () => this.#kept.tokens;
  saveTokens = (tokens) => this.#keep({ tokens });
  codeVerifier = () => this.#kept.verifier;
  saveCodeVerifier = (verifier) => this.#keep({ verifier });
  authorizationServerInformation = () => this.#kept.server;
  saveAuthorizationServerInformation = (server) => this.#keep({ server });
  redirectToAuthorization = (url) => {
    spawn(process.env.BROWSER, [url.href], { stdio: 'inherit' });
  };
}

const LIBRARIES = {
  'ai-sdk': {
    async call(authProvider) {
      const client = await modules.createMCPClient({
        transport: { type: 'http', url: mcpUrl, authProvider },
      });
      const { [CALL.name]: tool } = await client.tools();
      const answer = await tool.execute(CALL.arguments, { toolCallId: '1', messages: [] });
      await client.close();
      return answer;
    },
    finish: (provider, params) =>
      modules.auth(provider, {
        serverUrl: mcpUrl,
        authorizationCode: params.get('code'),
        callbackState: params.get('state'),
        callbackIssuer: params.get('iss'),
      }),
  },
  'sdk-v1': {
    call: (authProvider) => callWithSdk(authProvider, {}),
    finish: (provider, params) => sdkTransport(provider).finishAuth(params.get('code')),
  },
  'sdk-v2': {
    call: (authProvider) => callWithSdk(authProvider, { versionNegotiation: { mode: 'auto' } }),
    finish: (provider, params) => sdkTransport(provider).finishAuth(params),
  },
};

function sdkTransport(authProvider) {
  return new modules.StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider });
}

async function callWithSdk(authProvider, options) {
  const client = new modules.Client(INFO, options);
  await client.connect(sdkTransport(authProvider));
  const answer = await client.callTool(CALL);
  await client.close();
  return answer;
}

const { call, finish } = LIBRARIES[library];
const callback = await openCallback();
const provider = new FileProvider(callback.url);
try {
  let answer;
  try {
    answer = await call(provider);
  } catch (error) {
    if (error.name !== 'UnauthorizedError' && !(error instanceof modules.UnauthorizedError))
      throw error;
    await finish(provider, await callback.params);
    answer = await call(provider);
  }
  process.stdout.write(JSON.stringify(answer));
} finally {
  callback.close();
}
