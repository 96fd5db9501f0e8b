// A small MCP server for tests of the tool source: `stdio` on stdin and stdout, `http` on a free port (printed).
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

function build(): McpServer {
  const server = new McpServer({ name: 'course-server', version: '1.0.0' });
  server.registerTool(
    'search_courses',
    {
      description: 'Finds courses by words.',
      inputSchema: z.object({ query: z.string() }),
      outputSchema: z.object({ courses: z.array(z.object({ id: z.string(), title: z.string() })) }),
    },
    ({ query }) => ({
      content: [
        { type: 'text', text: `one course for ${query}` },
        { type: 'text', text: 'second block' },
      ],
      structuredContent: { courses: [{ id: 'sql-basics', title: `SQL basics (${query})` }] },
    }),
  );
  server.registerTool('broken', { description: 'Always reports a failure.' }, () => ({
    content: [{ type: 'text', text: 'the index is gone' }],
    isError: true,
  }));
  server.registerTool(
    'credentials',
    { description: 'Says which variables it was started with.' },
    () => ({
      content: [
        {
          type: 'text',
          text: `${process.env['CATALOG_API_KEY'] ?? '-'} ${process.env['UNRELATED_SECRET'] ?? '-'}`,
        },
      ],
    }),
  );
  return server;
}

if (process.argv[2] === 'stdio') {
  serveStdio(build);
} else {
  const handle = toNodeHandler(createMcpHandler(build));
  const server = createServer((request, response) => {
    if (request.headers['x-api-key'] === 'right')
      void handle(request as Parameters<typeof handle>[0], response);
    else response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}/mcp` })}\n`);
  });
}
