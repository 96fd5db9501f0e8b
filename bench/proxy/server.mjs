// An MCP server of the 2025 era with an authorization server beside it, as little as both bridges need: what is measured
// is the bridge. `/mcp` takes any token; `/locked` takes none. The sign-in page signs in at once.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const server = createServer((req, res) => {
  let text = '';
  req.on('data', (chunk) => (text += chunk));
  req.on('end', () => route(req, res, text));
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ url: origin() }));
process.once('disconnect', () => process.exit());

function origin() {
  return `http://127.0.0.1:${server.address().port}`;
}

function route(req, res, text) {
  const url = new URL(req.url, origin());
  const prefix = '/.well-known/oauth-protected-resource';
  if (url.pathname.startsWith(prefix)) {
    return json(res, 200, {
      resource: `${origin()}${url.pathname.slice(prefix.length)}`,
      authorization_servers: [origin()],
    });
  }
  switch (url.pathname) {
    case '/mcp':
    case '/locked':
      return mcp(req, res, url.pathname, text);
    case '/.well-known/oauth-authorization-server':
      return json(res, 200, {
        issuer: origin(),
        authorization_endpoint: `${origin()}/authorize`,
        token_endpoint: `${origin()}/token`,
        registration_endpoint: `${origin()}/register`,
        response_types_supported: ['code'],
        grant_types_supported: ['authorization_code', 'refresh_token'],
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['none'],
      });
    case '/register':
      return json(res, 201, { ...JSON.parse(text), client_id: 'bench' });
    case '/authorize': {
      const target = new URL(url.searchParams.get('redirect_uri'));
      target.searchParams.set('code', 'bench');
      target.searchParams.set('state', url.searchParams.get('state') ?? '');
      return res.writeHead(302, { location: target.href }).end();
    }
    case '/token':
      return json(res, 200, {
        access_token: randomUUID(),
        refresh_token: randomUUID(),
        token_type: 'Bearer',
        expires_in: 86_400,
      });
    default:
      return json(res, 404, {});
  }
}

function mcp(req, res, path, text) {
  if (path === '/locked' || req.headers.authorization === undefined) {
    const metadata = `${origin()}/.well-known/oauth-protected-resource${path}`;
    res.setHeader('www-authenticate', `Bearer resource_metadata="${metadata}"`);
    return json(res, 401, {});
  }
  if (req.method === 'DELETE') return res.writeHead(200).end();
  if (req.method !== 'POST') return json(res, 405, {});
  const { id, method, params } = JSON.parse(text);
  if (id === undefined) return res.writeHead(202).end();
  const result = resultOf(method, params);
  if (result === undefined) {
    return json(res, 200, {
      jsonrpc: '2.0',
      id,
      error: { code: -32601, message: 'no such method' },
    });
  }
  if (method === 'initialize') res.setHeader('mcp-session-id', randomUUID());
  return json(res, 200, { jsonrpc: '2.0', id, result });
}

function resultOf(method, params) {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'bench', version: '1.0.0' },
      };
    case 'tools/list':
      return {
        tools: Array.from({ length: 20 }, (_, index) => ({
          name: index === 0 ? 'echo' : `tool_${index}`,
          description: 'Says a text again, as it was given, and nothing else.',
          inputSchema: {
            type: 'object',
            properties: { text: { type: 'string' } },
            required: ['text'],
          },
        })),
      };
    case 'tools/call':
      return { content: [{ type: 'text', text: params.arguments.text }] };
    case 'ping':
      return {};
    default:
      return undefined;
  }
}

function json(res, status, body) {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  res.end(text);
}
