import { parseArgs } from 'node:util';
import { systemClock } from '../../shared/clock.js';
import { hashId } from '../../shared/ids.js';
import { silentLogger } from '../../shared/logger.js';
import { parseScope } from '../../oauth/scope.js';
import { createClientFetch } from '../../client/client-fetch.js';
import { createBrowserOpener } from '../../client/login/browser.js';
import { login } from '../../client/login/login.js';
import { ownIdentity } from '../../client/store/process-identity.js';
import { EXIT } from '../exit-codes.js';
import type { CliIo } from '../io.js';
import { openBroker } from './proxy-broker.js';

const OPTIONS = {
  'login-id': { type: 'string', default: '' },
  profile: { type: 'string', default: 'default' },
  port: { type: 'string', default: '9696' },
  'callback-host': { type: 'string', default: '127.0.0.1' },
  timeout: { type: 'string', default: '300' },
  scope: { type: 'string' },
  issuer: { type: 'string' },
  'client-id': { type: 'string' },
  'client-metadata-url': { type: 'string' },
  resource: { type: 'string' },
  'fixed-port': { type: 'string' },
  refused: { type: 'string' },
} as const;

/**
 * The login helper of the proxy: signs a person in, and tells how far it is in the record that the proxies look at.
 * Started by the proxy alone; prints nothing.
 */
export async function runProxyLogin(argv: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: OPTIONS,
    allowPositionals: true,
  });
  const [serverUrl = ''] = positionals;
  const { broker } = openBroker(io, values.profile, silentLogger, systemClock);
  const { store } = broker;
  const id = values['login-id'];
  const owner = await ownIdentity();
  await store.changeLogin(serverUrl, id, (record) => ({ ...record, owner }));
  const { 'client-id': clientId, 'client-metadata-url': metadataDocumentUrl } = values;
  const clientSecret = io.env['CATALOG_CLIENT_SECRET'] || undefined;
  const current = await broker.findGrant(serverUrl);
  const isRefused =
    current?.accessToken !== undefined && hashId(current.accessToken) === values.refused;
  try {
    await login(
      serverUrl,
      {
        broker,
        fetch: createClientFetch({
          target: serverUrl,
          isOAuth: true,
          dangerouslyAllowPrivateNetwork: io.env['CATALOG_ALLOW_PRIVATE_NETWORK'] === '1',
        }),
        openBrowser: createBrowserOpener(io.env['BROWSER']),
        onUrl: (url) => {
          store
            .changeLogin(serverUrl, id, (record) => ({ ...record, url: url.href }))
            .catch(() => undefined);
        },
        callbackHost: values['callback-host'] === 'localhost' ? 'localhost' : '127.0.0.1',
        callbackPort: Number(values.port),
        allowOtherPort: values['fixed-port'] === undefined,
        timeoutSeconds: Number(values.timeout),
        ...(values.scope !== undefined && { scopes: parseScope(values.scope) }),
        ...(values.issuer !== undefined && { issuer: values.issuer }),
        ...(values.resource !== undefined && { resource: values.resource }),
        ...(metadataDocumentUrl !== undefined && { metadataDocumentUrl }),
        ...(clientId !== undefined && {
          preRegistered: {
            clientId,
            ...(clientSecret !== undefined && { clientSecret }),
            ...(values.issuer !== undefined && { issuer: values.issuer }),
          },
        }),
      },
      { notGrant: isRefused ? current : undefined },
    );
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    await store.changeLogin(serverUrl, id, (record) => ({ ...record, problem }));
    return EXIT.authentication;
  }
  await store.changeLogin(serverUrl, id, () => undefined);
  return EXIT.ok;
}
