import { type Requirement, inFile, legacy, modern, rfc } from './requirement.js';

/** What OAuth and MCP ask of a protected resource. */
export const resourceServerRequirements: readonly Requirement[] = [
  {
    id: 'PRM-1',
    level: 'MUST',
    source: modern('basic/authorization'),
    behaviour:
      'There is protected resource metadata, and it names at least one authorization server.',
    tests: inFile(
      'test/requirements/resource-server.test.ts',
      'of %s at %s names %s, and is at %s and at the root form [PRM-1] [PRM-2] [PRM-3]',
    ),
  },
  {
    id: 'PRM-2',
    level: 'MUST',
    source: rfc(9728, '3.1'),
    behaviour: 'The document is at the well-known path put between host and resource path.',
    tests: [
      ...inFile('test/oauth/metadata-url.test.ts', 'of %s is at %s'),
      ...inFile(
        'test/requirements/resource-server.test.ts',
        'of %s at %s names %s, and is at %s and at the root form [PRM-1] [PRM-2] [PRM-3]',
        'is not mistaken for other paths beside it [PRM-2]',
      ),
    ],
  },
  {
    id: 'PRM-3',
    level: 'MUST',
    source: rfc(9728, '3.3'),
    behaviour: 'The resource of the document equals the identifier that its address was made from.',
    tests: [
      ...inFile('test/server/http-guard.test.ts', 'names itself under the spelling %s'),
      ...inFile(
        'test/requirements/resource-server.test.ts',
        'of %s at %s names %s, and is at %s and at the root form [PRM-1] [PRM-2] [PRM-3]',
        'names the spelling %s by which it was reached, and that in the challenge too [PRM-3]',
        'keeps to its public URL whatever a proxy says of itself [PRM-3]',
      ),
    ],
  },
  {
    id: 'PRM-4',
    level: 'SHOULD',
    source: rfc(9728, '3.2'),
    behaviour: 'The document is open to all, also to browsers, as JSON.',
    tests: inFile(
      'test/requirements/resource-server.test.ts',
      'is open to all, also to scripts of other origins, and may be cached [PRM-4]',
    ),
  },
  {
    id: 'PRM-5',
    level: 'SHOULD',
    source: modern('basic/authorization'),
    behaviour:
      'The document advertises header tokens and the scopes for a start, never offline_access.',
    tests: inFile(
      'test/requirements/resource-server.test.ts',
      'advertises header tokens alone, the scopes it was given, and never offline_access [PRM-5]',
    ),
  },
  {
    id: 'PRM-6',
    level: 'MAY',
    source: modern('basic/authorization'),
    behaviour: 'A server without authorization offers no metadata.',
    tests: inFile(
      'test/requirements/resource-server.test.ts',
      'is not offered by a server that protects nothing [PRM-6]',
    ),
  },
  {
    id: 'PRM-7',
    level: 'MUST',
    source: rfc(9728, '2'),
    behaviour: 'The resource identifier has no fragment and is written in canonical form.',
    tests: inFile('test/oauth/resource.test.ts', 'writes %s as %s'),
  },
  {
    id: 'CHAL-1',
    level: 'MUST',
    source: rfc(9728, '5.1'),
    behaviour:
      'A request without credentials is answered 401 with the metadata URL and scopes, without an error code.',
    tests: [
      ...inFile(
        'test/server/http-guard.test.ts',
        'answers 401 without error code when no credentials are sent (RFC 6750 §3.1), %s',
      ),
      ...inFile(
        'test/requirements/resource-server.test.ts',
        'has no error for %s: no credentials of ours came [CHAL-1]',
      ),
    ],
  },
  {
    id: 'CHAL-2',
    level: 'SHOULD',
    source: rfc(6750, '3.1'),
    behaviour: 'Malformed or contradictory credentials are answered 400 invalid_request.',
    tests: [
      ...inFile(
        'test/server/http-guard.test.ts',
        'answers 400 invalid_request to credentials that contradict each other',
        'answers 400 invalid_request to a Bearer header that holds no token',
      ),
      ...inFile(
        'test/requirements/resource-server.test.ts',
        'is 400 invalid_request for a Bearer header with %s [CHAL-2]',
      ),
    ],
  },
  {
    id: 'CHAL-3',
    level: 'MUST',
    source: modern('basic/authorization'),
    behaviour: 'A bad, expired or foreign token is answered 401 invalid_token.',
    tests: [
      ...inFile('test/server/http-guard.test.ts', 'answers 401 invalid_token to a credential %s'),
      ...inFile(
        'test/requirements/resource-server.test.ts',
        'says as much of a bad token as of any other bad token, and nothing of why [CHAL-3] [TOK-5]',
      ),
    ],
  },
  {
    id: 'CHAL-4',
    level: 'SHOULD',
    source: modern('basic/authorization'),
    behaviour:
      'A missing scope is answered 403 with every scope that the operation needs, before a stream starts.',
    tests: [
      ...inFile(
        'test/server/http-guard.test.ts',
        'answers %s with one complete 403 challenge before any stream starts, both eras',
      ),
      ...inFile(
        'test/requirements/operations.test.ts',
        'that needs scopes is refused with one challenge that names them all [CHAL-4]',
      ),
      ...inFile(
        'test/requirements/resource-server.test.ts',
        'for a missing scope names the operation’s own scopes, not the catalogue [CHAL-4] [SEC-7]',
        'ends when the token has the scopes, in any order and with others beside them [CHAL-4] [SEC-8]',
      ),
    ],
  },
  {
    id: 'CHAL-5',
    level: 'SHOULD',
    source: rfc(6750, '3'),
    behaviour: 'Parameters are quoted, nothing can end the header, and browsers may read it.',
    tests: [
      ...inFile(
        'test/oauth/challenge.test.ts',
        'quotes every value and leaves out what is undefined',
        'lets no value end the header (header injection)',
      ),
      ...inFile(
        'test/server/http-guard.test.ts',
        'answers a preflight and exposes what a client has to read',
      ),
      ...inFile(
        'test/requirements/resource-server.test.ts',
        'can be read by scripts of an allowed origin [CHAL-5]',
      ),
    ],
  },
  {
    id: 'CHAL-6',
    level: 'MUST',
    source: modern('basic/authorization'),
    behaviour: 'Scope hierarchies of the authorization server are honoured.',
    tests: [],
    exemption:
      'The scopes of the toolkit are flat by definition, so a broader scope that contains others does not exist.',
  },
  {
    id: 'TOK-1',
    level: 'MUST',
    source: modern('basic/authorization'),
    behaviour: 'Only the Authorization header carries a token; the query string never does.',
    tests: [
      ...inFile('test/server/http-guard.test.ts', 'does not read a token from the query string'),
      ...inFile(
        'test/requirements/resource-server.test.ts',
        'in the query or in the body is not read [TOK-1]',
      ),
    ],
  },
  {
    id: 'TOK-2',
    level: 'MUST',
    source: modern('basic/authorization'),
    behaviour:
      'Signature, algorithm, type, issuer and times of a token are checked at every request.',
    tests: [
      ...inFile(
        'test/oauth/access-token.test.ts',
        'is refused with %s',
        'is refused when it was signed by somebody else, or altered',
        'is refused with the algorithm %s, which is not pinned',
      ),
      ...inFile(
        'test/server/http-guard.test.ts',
        'refuses a key at once when it is revoked, and a token when it expires',
      ),
      ...inFile(
        'test/requirements/resource-server.test.ts',
        'that was checked a moment ago is refused once it expires [TOK-2]',
        'that ends takes the streams of its session with it [TOK-2]',
      ),
    ],
  },
  {
    id: 'TOK-3',
    level: 'MUST',
    source: rfc(8707, '2'),
    behaviour: 'Only a token that names this server as its audience is accepted.',
    tests: [
      ...inFile('test/oauth/access-token.test.ts', 'is refused with %s'),
      ...inFile(
        'test/requirements/resource-server.test.ts',
        'of a sibling server, valid in all but its audience, is refused [TOK-3] [SEC-1]',
      ),
    ],
  },
  {
    id: 'TOK-4',
    level: 'MUST',
    source: legacy('basic/security_best_practices'),
    behaviour: 'Identity is made of the verified token alone.',
    tests: [
      ...inFile(
        'test/oauth/access-token.test.ts',
        'is accepted with the claims a principal is made of',
      ),
      ...inFile(
        'test/requirements/resource-server.test.ts',
        'makes who is calling, whatever the client says of itself [TOK-4]',
      ),
    ],
  },
  {
    id: 'TOK-5',
    level: 'SHOULD',
    source: rfc(6750, '3.1'),
    behaviour: 'The answer to a bad token does not say what was wrong with it.',
    tests: inFile(
      'test/requirements/resource-server.test.ts',
      'says as much of a bad token as of any other bad token, and nothing of why [CHAL-3] [TOK-5]',
    ),
  },
  {
    id: 'TOK-6',
    level: 'MUST',
    source: modern('basic/authorization/security-considerations'),
    behaviour: 'Tokens are in no log, no answer and no stored record.',
    tests: inFile(
      'test/requirements/resource-server.test.ts',
      'is in no log, no answer and no stored record [TOK-6] [SEC-10]',
    ),
  },
];
