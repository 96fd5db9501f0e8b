import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { browserCommand } from '../support/catalog-server.js';
import { temporaryFolder } from '../support/processes.js';
import type { Peers } from './peers.js';

/** A browser that somebody signs in with, and that remembers how often it was opened. */
export interface RecordedBrowser {
  /** What finds it: `BROWSER`, and for clients that do not know that variable the platform's opener on the PATH. */
  readonly env: Readonly<Record<string, string>>;
  timesOpened(): number;
}

export function recordedBrowser(person: string): RecordedBrowser {
  const folder = temporaryFolder();
  const log = join(folder, 'opened');
  const command = join(folder, 'browser');
  writeFileSync(command, `#!/bin/sh\necho "$1" >> ${log}\nexec ${browserCommand(person)} "$1"\n`);
  chmodSync(command, 0o755);
  const openers = join(folder, 'bin');
  mkdirSync(openers);
  for (const opener of ['xdg-open', 'open']) symlinkSync(command, join(openers, opener));
  return {
    env: { BROWSER: command, PATH: `${openers}:${process.env['PATH'] ?? ''}` },
    timesOpened: () =>
      existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').length : 0,
  };
}

interface SelfSigned {
  generate(
    names: readonly { readonly name: string; readonly value: string }[],
    options: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly private: string; readonly cert: string }>;
}

/** A web site over https on `localhost`, with a certificate that only those trust who are told to. */
export interface SecureSite {
  readonly origin: string;
  /** For `NODE_EXTRA_CA_CERTS`. */
  readonly certificateFile: string;
  /** Paths and what is served there. */
  readonly documents: Map<string, unknown>;
  close(): void;
}

export async function startSecureSite(peers: Peers): Promise<SecureSite> {
  const { generate } = createRequire(peers.file('here.js'))('selfsigned') as SelfSigned;
  const pems = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  const certificateFile = join(temporaryFolder(), 'certificate.pem');
  writeFileSync(certificateFile, pems.cert);
  const documents = new Map<string, unknown>();
  const server = createServer({ key: pems.private, cert: pems.cert }, (request, response) => {
    const document = documents.get(request.url ?? '');
    if (document === undefined) response.writeHead(404).end();
    else {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(document));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `https://localhost:${port}`,
    certificateFile,
    documents,
    close: () => server.close(),
  };
}
