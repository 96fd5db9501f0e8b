import { type Requirement, inFile, legacy, modern } from './requirement.js';

/** What 2025-11-25 and its forerunners ask, and what serving both eras asks. */
export const legacyRequirements: readonly Requirement[] = [
  {
    id: 'L-1',
    level: 'MUST',
    source: legacy('basic/lifecycle'),
    behaviour:
      'initialize is answered with the version asked for when it is served, else with the latest that is.',
    tests: [
      ...inFile(
        'test/server/http-sessions.test.ts',
        'echoes a version it serves and offers 2025-11-25 for one it does not',
      ),
      ...inFile(
        'test/requirements/legacy-era.test.ts',
        'of %s is answered with that version, and the session serves it [L-1]',
        'of %j is answered with the latest version before 2026-07-28 [L-1]',
      ),
    ],
  },
  {
    id: 'L-2',
    level: 'MUST',
    source: legacy('basic/transports'),
    behaviour: 'GET opens an event stream or is refused with 405.',
    tests: inFile(
      'test/requirements/legacy-era.test.ts',
      'are opened by GET, or GET is refused with 405 [L-2]',
    ),
  },
  {
    id: 'L-3',
    level: 'SHOULD',
    source: legacy('basic/transports'),
    behaviour:
      'A session id is visible ASCII, unguessable, and given with the answer to initialize.',
    tests: [
      ...inFile('test/server/http-sessions.test.ts', 'is opened by initialize and serves calls'),
      ...inFile(
        'test/requirements/legacy-era.test.ts',
        'gives a session id that is long, random and visible ASCII [L-3] [SEC-4]',
      ),
    ],
  },
  {
    id: 'L-4',
    level: 'MUST',
    source: legacy('basic/transports'),
    behaviour: 'A session that has ended or never was is answered 404, a missing id 400.',
    tests: [
      ...inFile(
        'test/server/http-sessions.test.ts',
        'answers 404 to another principal, and to an unknown id, in the same words',
        'answers 400 when the session id is missing, also to a stream',
        'ends with DELETE and when it was idle for its lifetime',
      ),
      ...inFile(
        'test/requirements/legacy-era.test.ts',
        'cannot be used with %s [L-4]',
        'that was ended is gone for every method, and says so with 404 [L-4] [L-5]',
      ),
    ],
  },
  {
    id: 'L-5',
    level: 'MAY',
    source: legacy('basic/transports'),
    behaviour: 'DELETE ends a session.',
    tests: inFile(
      'test/requirements/legacy-era.test.ts',
      'that was ended is gone for every method, and says so with 404 [L-4] [L-5]',
    ),
  },
  {
    id: 'L-6',
    level: 'MUST',
    source: legacy('basic/security_best_practices'),
    behaviour: 'A session is no authentication, and belongs to the principal that opened it.',
    tests: [
      ...inFile(
        'test/server/http-sessions.test.ts',
        'answers 404 to another principal, and to an unknown id, in the same words',
      ),
      ...inFile(
        'test/requirements/http-transport.test.ts',
        'lets no session stand for credentials [L-6]',
      ),
      ...inFile(
        'test/requirements/legacy-era.test.ts',
        'of one person is closed to others of the same client, and open to the same person of another [L-6] [SEC-5]',
        'of an API key is closed to the access token of another person [L-6]',
      ),
    ],
  },
  {
    id: 'L-7',
    level: 'MUST',
    source: legacy('basic/transports'),
    behaviour: 'A version header that is not served is refused with 400; a missing one is not.',
    tests: [
      ...inFile(
        'test/server/http-sessions.test.ts',
        'answers 400 to a protocol version it does not serve',
      ),
      ...inFile(
        'test/requirements/legacy-era.test.ts',
        'may be missing: then the session goes on [L-7]',
        '%j is refused with 400 [L-7]',
      ),
    ],
  },
  {
    id: 'L-8',
    level: 'MUST',
    source: legacy('basic/transports'),
    behaviour: 'Responses and notifications of the client are answered 202.',
    tests: inFile(
      'test/requirements/http-transport.test.ts',
      'is answered 202 without a body, and so is a response [H-7] [L-8]',
    ),
  },
  {
    id: 'L-9',
    level: 'MUST',
    source: legacy('basic/transports'),
    behaviour: 'Each message goes out on one stream of one session.',
    tests: inFile(
      'test/requirements/legacy-era.test.ts',
      'carry each message once: what belongs to a call is not on the session’s own stream [L-9]',
      'of two sessions are apart: a change of one person’s subscription is told to nobody else [L-9]',
    ),
  },
  {
    id: 'L-10',
    level: 'SHOULD',
    source: legacy('basic/utilities/cancellation'),
    behaviour:
      'A broken connection cancels nothing; the cancelled notification does, and no answer follows it.',
    tests: inFile(
      'test/requirements/legacy-cancellation.test.ts',
      'is not a connection that breaks: the call goes on, and its answer can be had later [L-10]',
      'is not a connection that breaks before anything was answered [L-10]',
      'is notifications/cancelled: the work stops and no answer comes [L-10]',
      'of a request that is not running, or is already answered, is ignored [L-10]',
    ),
  },
  {
    id: 'L-11',
    level: 'SHOULD',
    source: legacy('basic/transports'),
    behaviour:
      'Event ids are unique in a session, streams can be resumed, and only the stream that broke is replayed.',
    tests: [
      ...inFile(
        'test/server/http-sessions.test.ts',
        'replays by Last-Event-ID what a stream missed, in another process too, and nothing of other streams',
      ),
      ...inFile(
        'test/requirements/legacy-era.test.ts',
        'have event ids that are unique in the session, and begin with an empty event [L-11]',
      ),
    ],
  },
  {
    id: 'L-12',
    level: 'MUST',
    source: legacy('basic/utilities/ping'),
    behaviour: 'ping is answered with nothing; log level and subscriptions belong to the session.',
    tests: [
      ...inFile(
        'test/server/http-sessions.test.ts',
        'tells connected clients of changes; of a resource only who subscribed to it',
      ),
      ...inFile(
        'test/requirements/legacy-era.test.ts',
        'ping is answered with nothing in it [L-12]',
        'the log level is the session’s own [L-12]',
        'a subscription tells of changes until it is ended [L-12]',
      ),
    ],
  },
  {
    id: 'L-13',
    level: 'SHOULD',
    source: legacy('server/resources'),
    behaviour: 'A resource that does not exist is answered with -32002 in the 2025 era.',
    tests: [],
    gap: 'It is answered with -32602 there too: the SDK writes that in every era whatever a handler throws, clients of both take either, and mending answers behind it would be a second protocol layer.',
  },
  {
    id: 'L-14',
    level: 'MUST',
    source: legacy('server/tools'),
    behaviour: 'Results hold nothing of later revisions, and structured content is an object.',
    tests: [
      ...inFile(
        'test/requirements/legacy-era.test.ts',
        'results of %s hold nothing of 2026-07-28 [L-14]',
      ),
      ...inFile(
        'test/requirements/operations.test.ts',
        'sends structured content as the era knows it, and as text too [H-13] [L-14]',
      ),
    ],
  },
  {
    id: 'L-15',
    level: 'MUST',
    source: 'https://modelcontextprotocol.io/specification/2025-03-26/basic',
    behaviour:
      'A batch of a 2025-03-26 client is answered, and every request in it is checked for its scopes.',
    tests: inFile(
      'test/requirements/legacy-era.test.ts',
      'is answered in a session of 2025-03-26, every request of it [L-15]',
      'cannot reach past a scope [L-15]',
    ),
  },
  {
    id: 'L-16',
    level: 'MUST',
    source: legacy('client/elicitation'),
    behaviour: 'A client is asked only what it declared at initialize.',
    tests: inFile(
      'test/requirements/legacy-era.test.ts',
      'a tool that asks a client which cannot answer fails, and asks nothing [L-16]',
    ),
  },
  {
    id: 'DUAL-1',
    level: 'MAY',
    source: modern('basic/versioning'),
    behaviour:
      'Both eras are served at one address, a modern request on its own even beside a session.',
    tests: inFile(
      'test/requirements/dual-era.test.ts',
      'a modern request in the middle of a session is served on its own [DUAL-1]',
    ),
  },
  {
    id: 'DUAL-2',
    level: 'MUST',
    source: modern('basic/versioning'),
    behaviour: 'A broken modern request is an error, never a request of the era before.',
    tests: inFile(
      'test/requirements/dual-era.test.ts',
      'a broken envelope is refused, never served as the era before [DUAL-2]',
    ),
  },
  {
    id: 'DUAL-3',
    level: 'MUST',
    source: modern('basic/versioning'),
    behaviour: 'initialize and other methods that are gone are unknown to a modern request.',
    tests: inFile(
      'test/requirements/dual-era.test.ts',
      'initialize under a modern envelope is refused with 404 and -32601 [DUAL-3]',
    ),
  },
  {
    id: 'DUAL-4',
    level: 'SHOULD',
    source: modern('basic/versioning'),
    behaviour: 'A probe for the modern era without its envelope gets an error of the era before.',
    tests: inFile(
      'test/requirements/dual-era.test.ts',
      'server/discover without an envelope is no handshake: the era before does not know it [DUAL-4]',
    ),
  },
];
