import { type Requirement, inFile, modern } from './requirement.js';

/** What 2026-07-28 asks of streams, subscriptions and questions to the client. */
export const streamRequirements: readonly Requirement[] = [
  {
    id: 'SSE-1',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour:
      'The stream of a request holds what belongs to that request, then its answer, and ends.',
    tests: inFile(
      'test/requirements/modern-results.test.ts',
      'holds what belongs to the request, then the answer, then nothing [SSE-1] [H-16]',
      'keeps the progress of two requests at once apart [SSE-1]',
    ),
  },
  {
    id: 'SSE-2',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'The server sends no requests to the client.',
    tests: inFile(
      'test/requirements/modern-results.test.ts',
      'never holds a request of the server, also when a tool asks [SSE-2]',
    ),
  },
  {
    id: 'SSE-3',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour:
      'A client that closes the stream has cancelled the request, and gets nothing more of it.',
    tests: [
      ...inFile('test/server/modern.test.ts', 'is cancelled when its client goes away'),
      ...inFile(
        'test/requirements/modern-results.test.ts',
        'or answer cancels its call when the client leaves it: %s [SSE-3]',
      ),
    ],
  },
  {
    id: 'SSE-4',
    level: 'SHOULD',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'Streams tell proxies not to buffer them, and have no event ids.',
    tests: inFile(
      'test/requirements/subscriptions.test.ts',
      'is not buffered on its way, and has no event ids [SSE-4]',
    ),
  },
  {
    id: 'SSE-5',
    level: 'MAY',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'A long stream is kept alive by comments.',
    tests: [],
  },
  {
    id: 'SUB-1',
    level: 'MUST',
    source: modern('basic/patterns/subscriptions'),
    behaviour: 'A subscription is acknowledged first of all, with what was granted of it.',
    tests: [
      ...inFile(
        'test/server/modern.test.ts',
        'acknowledges first, tells only what was asked for, and ends with a result when the server closes',
      ),
      ...inFile(
        'test/requirements/subscriptions.test.ts',
        'with %j acknowledges first, tells nothing else, and tags every message [SUB-1] [SUB-2] [SUB-3]',
        'does not acknowledge what the server does not have [SUB-1]',
      ),
    ],
  },
  {
    id: 'SUB-2',
    level: 'MUST',
    source: modern('basic/patterns/subscriptions'),
    behaviour: 'Every message of a subscription carries the id of the request that opened it.',
    tests: inFile(
      'test/requirements/subscriptions.test.ts',
      'with %j acknowledges first, tells nothing else, and tags every message [SUB-1] [SUB-2] [SUB-3]',
      'keeps two subscriptions apart by the id of their request [SUB-2]',
    ),
  },
  {
    id: 'SUB-3',
    level: 'MUST',
    source: modern('basic/patterns/subscriptions'),
    behaviour: 'A subscription tells only what was asked for.',
    tests: inFile(
      'test/requirements/subscriptions.test.ts',
      'with %j acknowledges first, tells nothing else, and tags every message [SUB-1] [SUB-2] [SUB-3]',
      'tells of a resource only who named it, by its URI [SUB-3]',
    ),
  },
  {
    id: 'SUB-4',
    level: 'MUST',
    source: modern('basic/patterns/subscriptions'),
    behaviour: 'A subscription carries no progress and no logs.',
    tests: inFile(
      'test/requirements/subscriptions.test.ts',
      'carries no progress and no log of calls that run beside it [SUB-4]',
    ),
  },
  {
    id: 'SUB-5',
    level: 'MUST',
    source: modern('basic/authorization'),
    behaviour:
      'A subscription needs the scopes of the resources it names, and ends with its token.',
    tests: [
      ...inFile('test/server/modern.test.ts', 'does not outlive the token that opened it'),
      ...inFile(
        'test/requirements/subscriptions.test.ts',
        'is refused with one 403 challenge when a named resource is not the caller’s to read [SUB-5]',
      ),
    ],
  },
  {
    id: 'SUB-6',
    level: 'SHOULD',
    source: modern('basic/patterns/subscriptions'),
    behaviour: 'A server that ends a subscription sends its result before it closes the stream.',
    tests: inFile(
      'test/server/modern.test.ts',
      'acknowledges first, tells only what was asked for, and ends with a result when the server closes',
    ),
  },
  {
    id: 'MRTR-1',
    level: 'MUST',
    source: modern('basic/patterns/mrtr'),
    behaviour: 'Only calls, prompts and reads may ask for input.',
    tests: inFile(
      'test/requirements/input-rounds.test.ts',
      'may come of %s: it has questions and a state, and no cache hints [MRTR-1] [MRTR-2] [R-6]',
      'of %s leads to its end with the answer [MRTR-1]',
      'never comes of %s [MRTR-1]',
    ),
  },
  {
    id: 'MRTR-2',
    level: 'MUST',
    source: modern('basic/patterns/mrtr'),
    behaviour:
      'A result that asks for input has questions or a state, and its questions have names of their own.',
    tests: inFile(
      'test/requirements/input-rounds.test.ts',
      'may come of %s: it has questions and a state, and no cache hints [MRTR-1] [MRTR-2] [R-6]',
    ),
  },
  {
    id: 'MRTR-3',
    level: 'MUST',
    source: modern('basic/patterns/mrtr'),
    behaviour: 'A client is asked only what it declared for this very request.',
    tests: inFile(
      'test/requirements/input-rounds.test.ts',
      'never asks %s of a client that declared %j [MRTR-3]',
      'asks %s of a client that can: %s [MRTR-3]',
    ),
  },
  {
    id: 'MRTR-4',
    level: 'MUST',
    source: modern('basic/patterns/mrtr'),
    behaviour: 'A state that was altered or made elsewhere is refused.',
    tests: [
      ...inFile('test/server/operations.test.ts', 'refuses a requestState that was %s'),
      ...inFile(
        'test/shared/sealing.test.ts',
        'gives nothing, and does not throw, on any altered byte',
      ),
      ...inFile(
        'test/requirements/input-rounds.test.ts',
        'is refused on whatever byte it was altered [MRTR-4]',
        'that the server did not make is refused: %j [MRTR-4]',
        'of another server, with another secret, is refused [MRTR-4]',
      ),
    ],
  },
  {
    id: 'MRTR-5',
    level: 'SHOULD',
    source: modern('basic/patterns/mrtr'),
    behaviour:
      'A state is good for one principal, one method, one set of arguments, and a short time.',
    tests: [
      ...inFile(
        'test/server/operations.test.ts',
        'refuses a requestState of somebody else, and one that is too old',
        'refuses a requestState that was %s',
      ),
      ...inFile(
        'test/requirements/input-rounds.test.ts',
        'of one method is refused by the others [MRTR-5]',
        'does not depend on the order of the arguments, and does on their values [MRTR-5]',
      ),
    ],
  },
  {
    id: 'MRTR-6',
    level: 'MUST',
    source: modern('basic/patterns/mrtr'),
    behaviour: 'A retry can be served by any process.',
    tests: inFile(
      'test/requirements/input-rounds.test.ts',
      'is good in another process that has the same secret [MRTR-6]',
    ),
  },
  {
    id: 'MRTR-7',
    level: 'SHOULD',
    source: modern('basic/patterns/mrtr'),
    behaviour: 'Answers that were not asked for are ignored.',
    tests: inFile(
      'test/requirements/input-rounds.test.ts',
      'that nobody asked for are ignored [MRTR-7]',
    ),
  },
  {
    id: 'MRTR-8',
    level: 'SHOULD',
    source: modern('basic/patterns/mrtr'),
    behaviour: 'Answers that are missing or do not fit are asked for again.',
    tests: [
      ...inFile(
        'test/server/operations.test.ts',
        'asks again when the answer does not fit the form',
      ),
      ...inFile(
        'test/requirements/input-rounds.test.ts',
        'that are missing are asked for again, and only they [MRTR-8]',
      ),
    ],
  },
  {
    id: 'MRTR-9',
    level: 'SHOULD',
    source: modern('basic/patterns/mrtr'),
    behaviour: 'Answers that are no object at all are refused with an error.',
    tests: inFile(
      'test/requirements/input-rounds.test.ts',
      'to %s that are no object are refused [MRTR-9]',
      'that are no object are refused over stdio too: %j [MRTR-9]',
      'are a member without meaning in the era before [MRTR-9]',
    ),
  },
  {
    id: 'MRTR-10',
    level: 'MUST',
    source: modern('basic/patterns/mrtr'),
    behaviour: 'A state that may be used only once is recorded as used.',
    tests: [],
    exemption:
      'No operation of the toolkit is a one-time redemption; the author of one has to record it.',
  },
  {
    id: 'MRTR-11',
    level: 'MUST',
    source: modern('client/elicitation'),
    behaviour: 'Secrets are asked for by URL, never by form, and the URL holds none.',
    tests: [],
    exemption:
      'The author of a tool writes the question; the toolkit cannot tell a secret from a name.',
  },
  {
    id: 'MRTR-12',
    level: 'MUST',
    source: modern('client/elicitation'),
    behaviour: 'The person who opens a URL is proven to be the person who made the request.',
    tests: [],
    exemption: 'The page behind the URL belongs to the deployer, whose sign-in has to prove it.',
  },
];
