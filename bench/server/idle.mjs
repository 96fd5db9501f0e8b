// node bench/server/idle.mjs [--streams N] [--sessions N]: what a server that waits holds in memory.
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { startTarget } from './child.mjs';
import { formatRequest } from './load.mjs';
import { modernMessage, openSession, senderTo } from './scenarios.mjs';
import { TOOL_COUNTS } from './tools.mjs';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000' },
    sessions: { type: 'string', default: '1000' },
  },
});
const MIB = 1024 * 1024;

const server = await startTarget({ target: 'ours', tools: TOOL_COUNTS.list });
const send = senderTo(server);
const before = await server.memory();
const sockets = [];
for (let at = 0; at < Number(values.streams); at++) {
  const params = { notifications: { toolsListChanged: true } };
  sockets.push(
    await openStream(send(...modernMessage(`listen-${at}`, 'subscriptions/listen', params))),
  );
}
for (let at = 0; at < Number(values.sessions); at++) {
  const headers = await openSession(server.port, 'ours', send);
  // A 2025 client waits for news on a stream of its own.
  sockets.push(await openStream(listenOf(headers)));
}
const after = await server.memory();
const megabytes = ({ rss }) => Math.round(rss / MIB);
process.stdout.write(
  `${JSON.stringify({ streams: sockets.length, emptyMiB: megabytes(before), idleMiB: megabytes(after) })}\n`,
);
for (const socket of sockets) socket.destroy();
server.stop();

/** @returns the socket, once the head of the answer is there */
function openStream(request) {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(request));
    let text = '';
    socket.once('error', reject);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      socket.removeAllListeners('data').resume();
      if (/^HTTP\/1\.1 200 .*text\/event-stream/is.test(text)) resolve(socket);
      else reject(new Error(text));
    });
  });
}

function listenOf(headers) {
  const bytes = formatRequest(server.port, server.path, {
    headers: { ...headers, accept: 'text/event-stream', authorization: `Bearer ${server.token}` },
    body: '',
  });
  return Buffer.from(String(bytes).replace(/^POST/, 'GET').replace('content-length: 0\r\n', ''));
}
