import { errors } from 'oidc-provider';

/** How a client came to be known: by its own document, by registering itself, or through the operator. */
export type ClientOrigin = 'document' | 'registered' | 'operator';

/** What is known of a client when it is judged. All of it but the id of a document is the client's own word. */
export interface ClientDescription {
  readonly clientId: string;
  readonly origin: ClientOrigin;
  readonly clientName: string | undefined;
  readonly redirectUris: readonly string[];
}

/** `warn` lets the client in, with a warning on the page. */
export type ClientTrust = 'allow' | 'deny' | 'warn';

/** Decides about a client each time it shows up. Clients of the operator's configuration are not asked about. */
export type ClientTrustPolicy = (client: ClientDescription) => ClientTrust | Promise<ClientTrust>;

/** Name of the metadata that carries a warning to the page. Nobody but {@link applyTrust} sets it. */
export const WARNED = 'trust_warning';

/**
 * Asks the policy about a client and marks the one that needs a warning.
 *
 * @throws {errors.InvalidClient} when it is denied
 */
export async function applyTrust<Metadata extends object>(
  policy: ClientTrustPolicy | undefined,
  origin: ClientOrigin,
  metadata: Metadata & Readonly<Record<string, unknown>>,
): Promise<Metadata> {
  if (policy === undefined) return metadata;
  const uris = metadata['redirect_uris'];
  const name = metadata['client_name'];
  const trust = await policy({
    clientId: String(metadata['client_id']),
    origin,
    clientName: typeof name === 'string' ? name : undefined,
    redirectUris: Array.isArray(uris) ? uris.map(String) : [],
  });
  if (trust === 'deny') {
    throw new errors.InvalidClient('this client is not allowed here', 'denied by the trust policy');
  }
  return trust === 'warn' ? { ...metadata, [WARNED]: true } : metadata;
}

/** Whether the page has to warn about this client. */
export function isWarnedAbout(client: object): boolean {
  return (client as Record<string, unknown>)[WARNED] === true;
}
