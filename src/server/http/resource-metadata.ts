import type { IncomingMessage, ServerResponse } from 'node:http';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { protectedResourceMetadataUrl } from '../../oauth/metadata-url.js';
import { canonicalResource } from '../../oauth/resource.js';
import { hostnameOf } from './guard.js';
import { sendJson } from './respond.js';

export interface ResourceMetadataOptions {
  readonly publicUrl: string;
  /** Path of the MCP endpoint. */
  readonly path: string;
  readonly authorizationServers: readonly string[];
  /** What clients may ask for at first: a small baseline, never `offline_access`. */
  readonly scopesSupported: readonly string[];
  readonly resourceName: string;
}

/**
 * Protected resource metadata (RFC 9728). On loopback each spelling of this machine has a document that names itself:
 * a client compares `resource` with the URL it was given.
 */
export interface ResourceMetadata {
  /** The identifier that access tokens have to name: one, whatever spelling a request used. */
  readonly canonicalResource: string;
  /** Where the document of the spelling that this request used is. */
  urlFor(request: IncomingMessage): string;
  /** @returns whether the request was for a document and is answered */
  serve(request: IncomingMessage, response: ServerResponse, pathname: string): boolean;
}

const ROOT_PATH = '/.well-known/oauth-protected-resource';

export function createResourceMetadata(options: ResourceMetadataOptions): ResourceMetadata {
  const { publicUrl, path } = options;
  const isLoopback = isLoopbackUrl(publicUrl);
  const resource = canonicalResource(new URL(path, publicUrl).href);
  const resourceFor = (request: IncomingMessage): string => {
    const hostname = hostnameOf(request.headers.host);
    if (!isLoopback || hostname === undefined) return resource;
    const alias = new URL(resource);
    alias.hostname = hostname;
    return canonicalResource(alias.href);
  };
  const paths = new Set([ROOT_PATH, new URL(protectedResourceMetadataUrl(resource)).pathname]);
  return {
    canonicalResource: resource,
    urlFor: (request) => protectedResourceMetadataUrl(resourceFor(request)),
    serve(request, response, pathname) {
      if (!paths.has(pathname)) return false;
      if (request.method === 'OPTIONS') {
        response.writeHead(204, {
          'access-control-allow-origin': '*',
          'access-control-allow-methods': 'GET',
          'access-control-allow-headers': 'mcp-protocol-version',
        });
        response.end();
      } else if (request.method !== 'GET' && request.method !== 'HEAD') {
        sendJson(response, 405, { error: 'method_not_allowed' }, { allow: 'GET, HEAD, OPTIONS' });
      } else {
        const document = {
          resource: resourceFor(request),
          authorization_servers: options.authorizationServers,
          scopes_supported: options.scopesSupported,
          bearer_methods_supported: ['header'],
          resource_name: options.resourceName,
        };
        sendJson(response, 200, document, {
          'cache-control': 'public, max-age=300',
          'access-control-allow-origin': '*',
          vary: 'Host',
        });
      }
      return true;
    },
  };
}
