// Runs the proxy's bundle through one signed-in looking conversation with a local server and writes its code cache.
import { writeFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { Script } from 'node:vm';

const [filename] = process.argv.slice(2);
const server = createServer((req, res) => {
  let text = '';
  req.on('data', (chunk) => (text += chunk));
  req.on('end', () => {
    if (req.method !== 'POST') return res.writeHead(405).end();
    const { id, method } = JSON.parse(text);
    if (id === undefined) return res.writeHead(202).end();
    const result =
      method === 'initialize'
        ? {
            protocolVersion: '2025-11-25',
            capabilities: { tools: {} },
            serverInfo: { name: 'w', version: '1' },
          }
        : {
            tools: [
              {
                name: 'one',
                inputSchema: { type: 'object', properties: { a: { type: 'string' } } },
              },
            ],
          };
    const answer = JSON.stringify({ jsonrpc: '2.0', id, result });
    if (method === 'initialize') {
      res.setHeader('content-type', 'application/json');
      return res.end(answer);
    }
    res.setHeader('content-type', 'text/event-stream');
    res.end(`id: 1\ndata: ${answer}\n\n`);
  });
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const input = new PassThrough();
const output = new PassThrough();
Object.defineProperty(process, 'stdin', { value: input });
Object.defineProperty(process, 'stdout', { value: output });
process.argv.splice(
  1,
  Infinity,
  filename,
  'proxy',
  `http://127.0.0.1:${server.address().port}/mcp`,
);

const script = new Script(readFileSync(filename, 'utf8'), { filename });
process.on('exit', () => writeFileSync(`${filename}.cache`, script.createCachedData()));
script.runInThisContext()(createRequire(filename));

const say = (message) => input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
let answers = 0;
output.on('data', (chunk) => {
  for (const line of String(chunk).trim().split('\n')) {
    if (JSON.parse(line).id === undefined) continue;
    answers++;
    if (answers === 1) {
      say({ method: 'notifications/initialized' });
      say({ id: 2, method: 'tools/list' });
    }
    if (answers === 2) input.end();
  }
});
say({
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'w', version: '1' },
  },
});
