import { describe, expect, it } from 'vitest';
import { discover, isResourceFor } from '../../src/client/discovery.js';
import { parseChallenges } from '../../src/oauth/challenge.js';

const SERVER = 'https://mcp.example/team/mcp';
const PATH_FORM = 'https://mcp.example/.well-known/oauth-protected-resource/team/mcp';
const ROOT_FORM = 'https://mcp.example/.well-known/oauth-protected-resource';
const ISSUER = 'https://as.example/tenant';
const AS_FORMS = [
  'https://as.example/.well-known/oauth-authorization-server/tenant',
  'https://as.example/.well-known/openid-configuration/tenant',
  'https://as.example/tenant/.well-known/openid-configuration',
] as const;

const RESOURCE = { resource: SERVER, authorization_servers: [ISSUER] };
const METADATA = {
  issuer: ISSUER,
  authorization_endpoint: 'https://as.example/authorize',
  token_endpoint: 'https://as.example/token',
  code_challenge_methods_supported: ['S256'],
};

/** A network of documents: everything else is a 404. */
function network(documents: Record<string, unknown>): {
  fetch: (url: string | URL) => Promise<Response>;
  asked: string[];
} {
  const asked: string[] = [];
  return {
    asked,
    fetch: (url) => {
      asked.push(String(url));
      const document = documents[String(url)];
      if (document instanceof Response) return Promise.resolve(document);
      if (document === undefined) return Promise.resolve(new Response(null, { status: 404 }));
      return Promise.resolve(Response.json(document));
    },
  };
}

describe('discover', () => {
  it('asks the path form, then the root form, then the three forms of the issuer, in order', async () => {
    const { fetch, asked } = network({ [ROOT_FORM]: RESOURCE, [AS_FORMS[2]]: METADATA });
    const found = await discover(SERVER, { fetch });
    expect(asked).toEqual([PATH_FORM, ROOT_FORM, ...AS_FORMS]);
    expect(found.authorizationServer).toMatchObject({ issuer: ISSUER, sendsIss: false });
  });

  it('asks only where the challenge says, when it says so', async () => {
    const url = 'https://mcp.example/metadata.json';
    const { fetch, asked } = network({ [url]: RESOURCE, [AS_FORMS[0]]: METADATA });
    const [challenge] = parseChallenges(`Bearer resource_metadata="${url}"`);
    await discover(SERVER, { fetch, challenge });
    expect(asked).toEqual([url, AS_FORMS[0]]);
  });

  it('takes the preferred issuer when the server lists it, and the first one otherwise', async () => {
    const second = 'https://second.example';
    const both = { ...RESOURCE, authorization_servers: [ISSUER, second] };
    const documents = {
      [PATH_FORM]: both,
      [AS_FORMS[0]]: METADATA,
      'https://second.example/.well-known/oauth-authorization-server': {
        ...METADATA,
        issuer: second,
      },
    };
    const choose = async (preferredIssuer: string): Promise<string> =>
      (await discover(SERVER, { fetch: network(documents).fetch, preferredIssuer }))
        .authorizationServer.issuer;
    expect(await choose(second)).toBe(second);
    expect(await choose('https://not-listed.example')).toBe(ISSUER);
  });

  it.each([
    ['no resource metadata', {}, 'resource-metadata'],
    [
      'another resource',
      { [PATH_FORM]: { ...RESOURCE, resource: 'https://evil.example/team/mcp' } },
      'resource-metadata',
    ],
    ['no resource', { [PATH_FORM]: { authorization_servers: [ISSUER] } }, 'resource-metadata'],
    ['no authorization server', { [PATH_FORM]: { resource: SERVER } }, 'resource-metadata'],
    [
      'an issuer on plain http',
      { [PATH_FORM]: { ...RESOURCE, authorization_servers: ['http://as.example'] } },
      'resource-metadata',
    ],
    [
      'an issuer on this machine',
      { [PATH_FORM]: { ...RESOURCE, authorization_servers: ['http://127.0.0.1:9'] } },
      'resource-metadata',
    ],
    [
      'a script as issuer',
      { [PATH_FORM]: { ...RESOURCE, authorization_servers: ['javascript:alert(1)'] } },
      'resource-metadata',
    ],
    ['a list in place of a document', { [PATH_FORM]: [] }, 'resource-metadata'],
    ['a server error', { [PATH_FORM]: new Response('down', { status: 503 }) }, 'resource-metadata'],
    ['HTML', { [PATH_FORM]: new Response('<html>') }, 'resource-metadata'],
    ['no server metadata', { [PATH_FORM]: RESOURCE }, 'authorization-server-metadata'],
    [
      'another issuer',
      { [PATH_FORM]: RESOURCE, [AS_FORMS[0]]: { ...METADATA, issuer: 'https://as.example' } },
      'authorization-server-metadata',
    ],
    [
      'an issuer with a slash too many',
      { [PATH_FORM]: RESOURCE, [AS_FORMS[0]]: { ...METADATA, issuer: `${ISSUER}/` } },
      'authorization-server-metadata',
    ],
    [
      'no PKCE',
      {
        [PATH_FORM]: RESOURCE,
        [AS_FORMS[0]]: { ...METADATA, code_challenge_methods_supported: undefined },
      },
      'authorization-server-metadata',
    ],
    [
      'plain PKCE alone',
      {
        [PATH_FORM]: RESOURCE,
        [AS_FORMS[0]]: { ...METADATA, code_challenge_methods_supported: ['plain'] },
      },
      'authorization-server-metadata',
    ],
    [
      'no token endpoint',
      { [PATH_FORM]: RESOURCE, [AS_FORMS[0]]: { ...METADATA, token_endpoint: undefined } },
      'authorization-server-metadata',
    ],
    [
      'a token endpoint on plain http',
      {
        [PATH_FORM]: RESOURCE,
        [AS_FORMS[0]]: { ...METADATA, token_endpoint: 'http://as.example/token' },
      },
      'authorization-server-metadata',
    ],
    [
      'a token endpoint on this machine',
      {
        [PATH_FORM]: RESOURCE,
        [AS_FORMS[0]]: { ...METADATA, token_endpoint: 'http://localhost:1/token' },
      },
      'authorization-server-metadata',
    ],
    [
      'an endpoint that is no text',
      { [PATH_FORM]: RESOURCE, [AS_FORMS[0]]: { ...METADATA, revocation_endpoint: 5 } },
      'authorization-server-metadata',
    ],
    [
      'an endpoint with a password',
      {
        [PATH_FORM]: RESOURCE,
        [AS_FORMS[0]]: { ...METADATA, token_endpoint: 'https://u:p@as.example/' },
      },
      'authorization-server-metadata',
    ],
  ])('refuses %s, and names the document', async (_name, documents, hop) => {
    const attempt = discover(SERVER, { fetch: network(documents).fetch });
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_DISCOVERY', hop });
  });

  it('refuses a challenge that sends it to this machine or to plain http', async () => {
    for (const url of ['http://127.0.0.1:9/x', 'https://localhost/x', 'http://mcp.example/x']) {
      const { fetch, asked } = network({});
      const [challenge] = parseChallenges(`Bearer resource_metadata="${url}"`);
      await expect(discover(SERVER, { fetch, challenge })).rejects.toMatchObject({
        code: 'ERR_DISCOVERY',
      });
      expect(asked).toEqual([]);
    }
  });
});

describe('isResourceFor', () => {
  it.each([
    [SERVER, true],
    ['https://mcp.example', true],
    ['https://mcp.example/', true],
    ['https://mcp.example/team', true],
    ['https://mcp.example/team/', true],
    ['https://mcp.example/te', false],
    ['https://mcp.example/team/mcp/more', false],
    ['https://mcp.example:8443/team/mcp', false],
    ['http://mcp.example/team/mcp', false],
    ['https://sub.mcp.example/team/mcp', false],
    ['https://mcp.example/team/mcp#part', false],
    ['https://mcp.example/team/mcp?tenant=1', false],
    ['mcp', false],
  ])('%s: %s', (resource, expected) => {
    expect(isResourceFor(resource, SERVER)).toBe(expected);
  });
});
