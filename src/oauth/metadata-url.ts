/**
 * Where the protected resource metadata of a resource lives: the well-known suffix is inserted between host and path
 * (RFC 9728 §3.1). A lone trailing slash after the host is dropped.
 */
export function protectedResourceMetadataUrl(resource: string): string {
  return insertWellKnown(resource, 'oauth-protected-resource');
}

/** The places to look, in order: the path form, then the root form (MCP authorization, 2026-07-28). */
export function protectedResourceMetadataCandidates(resource: string): string[] {
  const root = `${new URL(resource).origin}/.well-known/oauth-protected-resource`;
  return [...new Set([protectedResourceMetadataUrl(resource), root])];
}

/**
 * Where the metadata of an issuer may live, in the order MCP requires: RFC 8414 insertion, OpenID insertion, OpenID
 * appending.
 */
export function authorizationServerMetadataCandidates(issuer: string): string[] {
  const url = new URL(issuer);
  const path = url.pathname.replace(/\/$/, '');
  return [
    ...new Set([
      `${url.origin}/.well-known/oauth-authorization-server${path}`,
      `${url.origin}/.well-known/openid-configuration${path}`,
      `${url.origin}${path}/.well-known/openid-configuration`,
    ]),
  ];
}

function insertWellKnown(identifier: string, suffix: string): string {
  const url = new URL(identifier);
  const path = url.pathname === '/' ? '' : url.pathname;
  return `${url.origin}/.well-known/${suffix}${path}${url.search}`;
}
