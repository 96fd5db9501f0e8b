import { createHmac } from 'node:crypto';
import { randomId } from '../../shared/ids.js';
import {
  type ClientMetadataDraft,
  type ClientPolicyOptions,
  applyClientPolicy,
  classifyRedirectUri,
} from '../client-policy.js';

/**
 * The id for a registration. A public client on this machine's loopback gets the same id whenever it registers with the
 * same metadata but for the ports: those are chosen anew at each start, and are free anyway (RFC 8252 §7.3). All others
 * get a new id each time.
 *
 * Such an id is no more a secret than the URL of a metadata document: the person is asked at each login.
 *
 * @param body - the registration request as it came
 * @throws {errors.InvalidClientMetadata} when nothing usable is left of it
 */
export function chooseClientId(
  body: unknown,
  policy: ClientPolicyOptions,
  key: Uint8Array,
): string {
  const draft = structuredClone(body) as ClientMetadataDraft;
  if (draft['token_endpoint_auth_method'] !== 'none') return randomId(24);
  applyClientPolicy(draft, policy);
  const uris = draft['redirect_uris'] as string[];
  if (!uris.some((uri) => classifyRedirectUri(uri) === 'loopback')) return randomId(24);
  const stable = Object.entries(draft)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, name === 'redirect_uris' ? uris.map(withoutPort) : value])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  const mac = createHmac('sha256', key).update(JSON.stringify(stable)).digest('base64url');
  return `app-${mac.slice(0, 32)}`;
}

function withoutPort(uri: string): string {
  return classifyRedirectUri(uri) === 'loopback'
    ? uri.replace(/^(http:\/\/(?:\[[^\]]*\]|[^/:?]*)):\d*/, '$1')
    : uri;
}
