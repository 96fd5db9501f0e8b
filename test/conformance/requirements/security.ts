import { type Requirement, inFile, legacy, modern } from './requirement.js';

/** What the security guidance asks of a server, beyond what is elsewhere in the manifest. */
export const securityRequirements: readonly Requirement[] = [
  {
    id: 'SEC-1',
    level: 'MUST',
    source: modern('basic/authorization/security-considerations'),
    behaviour: 'A token for a sibling server is refused, though its issuer is trusted.',
    tests: inFile(
      'test/requirements/resource-server.test.ts',
      'of a sibling server, valid in all but its audience, is refused [TOK-3] [SEC-1]',
    ),
  },
  {
    id: 'SEC-2',
    level: 'MUST',
    source: modern('basic/authorization/security-considerations'),
    behaviour: 'The token of the caller never reaches a handler, so none can pass it on.',
    tests: inFile(
      'test/server/modern.test.ts',
      'reaches its handler without the credentials it came with',
    ),
  },
  {
    id: 'SEC-3',
    level: 'MUST',
    source: legacy('basic/security_best_practices'),
    behaviour: 'Every request is verified; no session and no handle stands for credentials.',
    tests: inFile(
      'test/requirements/http-transport.test.ts',
      'asks for credentials on every request: calls, handshake, listen, streams, DELETE [H-9]',
      'lets no session stand for credentials [L-6]',
    ),
  },
  {
    id: 'SEC-4',
    level: 'MUST',
    source: legacy('basic/security_best_practices'),
    behaviour: 'Session ids come from a secure random source and expire.',
    tests: [
      ...inFile(
        'test/server/http-sessions.test.ts',
        'ends with DELETE and when it was idle for its lifetime',
      ),
      ...inFile(
        'test/requirements/legacy-era.test.ts',
        'gives a session id that is long, random and visible ASCII [L-3] [SEC-4]',
      ),
    ],
  },
  {
    id: 'SEC-5',
    level: 'SHOULD',
    source: legacy('basic/security_best_practices'),
    behaviour: 'Sessions are bound to issuer and subject.',
    tests: [
      ...inFile(
        'test/server/http-sessions.test.ts',
        'answers 404 to another principal, and to an unknown id, in the same words',
      ),
      ...inFile(
        'test/requirements/legacy-era.test.ts',
        'of one person is closed to others of the same client, and open to the same person of another [L-6] [SEC-5]',
      ),
    ],
  },
  {
    id: 'SEC-6',
    level: 'SHOULD',
    source: legacy('basic/security_best_practices'),
    behaviour: 'Stored events of a stream are replayed to nobody but its owner.',
    tests: inFile(
      'test/requirements/legacy-era.test.ts',
      'keeps the events of its streams from other people [SEC-6]',
    ),
  },
  {
    id: 'SEC-7',
    level: 'SHOULD',
    source: modern('basic/authorization/security-considerations'),
    behaviour: 'A challenge names the scopes of the operation, not the whole catalogue.',
    tests: inFile(
      'test/requirements/resource-server.test.ts',
      'for a missing scope names the operation’s own scopes, not the catalogue [CHAL-4] [SEC-7]',
    ),
  },
  {
    id: 'SEC-8',
    level: 'SHOULD',
    source: modern('basic/authorization/security-considerations'),
    behaviour: 'A narrow token is good for what it covers.',
    tests: inFile(
      'test/requirements/resource-server.test.ts',
      'ends when the token has the scopes, in any order and with others beside them [CHAL-4] [SEC-8]',
      'is not needed for what a narrow token may do [SEC-8]',
    ),
  },
  {
    id: 'SEC-9',
    level: 'SHOULD',
    source: modern('basic/authorization/security-considerations'),
    behaviour: 'Bodies are limited in size and depth.',
    tests: [
      ...inFile('test/server/http-guard.test.ts', 'answers 413 with JSON to a body of 5 MiB'),
      ...inFile(
        'test/requirements/http-transport.test.ts',
        'refuses a body above the limit with 413, a deep one with 400, before it is looked at [SEC-9]',
      ),
    ],
  },
  {
    id: 'SEC-10',
    level: 'MUST',
    source: modern('basic/authorization/security-considerations'),
    behaviour: 'Nothing that is stored or logged could be replayed as a credential.',
    tests: [
      ...inFile('test/server/http-sessions.test.ts', 'keeps no session id in the clear'),
      ...inFile(
        'test/server/core/core.test.ts',
        'is made once, kept as a hash, and makes its owner the principal',
      ),
      ...inFile(
        'test/requirements/resource-server.test.ts',
        'is in no log, no answer and no stored record [TOK-6] [SEC-10]',
      ),
    ],
  },
  {
    id: 'SEC-11',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'Header and body cannot disagree about what is asked.',
    tests: inFile(
      'test/server/modern.test.ts',
      'with %s is refused',
      'has to name its tool in Mcp-Name',
    ),
  },
  {
    id: 'SEC-12',
    level: 'MUST',
    source: modern('server/resources'),
    behaviour: 'Resource URIs are validated: what fits no resource and no template is not served.',
    tests: inFile(
      'test/server/core/core.test.ts',
      '%s and %s give %j',
      'finds an exact resource before a template',
    ),
  },
  {
    id: 'SEC-13',
    level: 'SHOULD',
    source: legacy('basic/security_best_practices'),
    behaviour: 'A local server speaks stdio, or listens on loopback and checks Host and Origin.',
    tests: inFile(
      'test/server/http-guard.test.ts',
      'answers 403 to an evil Host before anything else',
      'answers 403 to the Origin %s, credentials or not',
    ),
  },
  {
    id: 'SEC-14',
    level: 'SHOULD',
    source: modern('basic/authorization/security-considerations'),
    behaviour: 'What a caller was refused is recorded with who asked and for what.',
    tests: [
      ...inFile(
        'test/server/http-guard.test.ts',
        'answers %s with one complete 403 challenge before any stream starts, both eras',
      ),
      ...inFile(
        'test/server/operations.test.ts',
        'writes one audit row per call, with who, what, outcome and era',
      ),
    ],
  },
  {
    id: 'SEC-15',
    level: 'MUST',
    source: modern('basic/authorization/security-considerations'),
    behaviour: 'Every endpoint off loopback is served over HTTPS.',
    tests: [],
    exemption:
      'TLS ends in front of the process; the deployer sets the https public URL and the proxy.',
  },
  {
    id: 'SEC-16',
    level: 'MUST',
    source: legacy('basic/security_best_practices'),
    behaviour: 'Handles and task ids of tools are bound to the principal that made them.',
    tests: [],
    exemption:
      'The toolkit makes no handles; sessions and input state, the two it has, are proven separately.',
  },
];
