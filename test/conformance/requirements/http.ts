import { type Requirement, inFile, legacy, modern } from './requirement.js';

/** What both eras ask of a server over Streamable HTTP, and of its operations. */
export const httpRequirements: readonly Requirement[] = [
  {
    id: 'H-1',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'There is one MCP endpoint path, and it takes POST.',
    tests: inFile(
      'test/requirements/http-transport.test.ts',
      'is one path for both eras and every method [H-1]',
    ),
  },
  {
    id: 'H-2',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'Every request is checked for its Origin, and a foreign one is answered 403.',
    tests: [
      ...inFile(
        'test/server/http-guard.test.ts',
        'answers 403 to the Origin %s, credentials or not',
      ),
      ...inFile(
        'test/requirements/http-transport.test.ts',
        'refuses a foreign Origin with 403 on %s, whatever else is right [H-2]',
      ),
    ],
  },
  {
    id: 'H-3',
    level: 'SHOULD',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'A server that runs locally binds loopback addresses alone.',
    tests: inFile(
      'test/requirements/http-transport.test.ts',
      'is on loopback alone: its port is free on the other addresses of the machine [H-3]',
    ),
  },
  {
    id: 'H-4',
    level: 'SHOULD',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'Every connection is authenticated.',
    tests: inFile(
      'test/server/http-guard.test.ts',
      'answers 401 without error code when no credentials are sent (RFC 6750 §3.1), %s',
    ),
  },
  {
    id: 'H-5',
    level: 'MUST',
    source: legacy('basic/security_best_practices'),
    behaviour:
      'A request under a foreign Host name is refused, so that no rebound name reaches a local server.',
    tests: [
      ...inFile(
        'test/server/http-guard.test.ts',
        'answers 403 to an evil Host before anything else',
      ),
      ...inFile(
        'test/requirements/http-transport.test.ts',
        'refuses a foreign Host with 403 on %s, and knows every spelling of this machine [H-5]',
      ),
    ],
  },
  {
    id: 'H-6',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'A request is answered with one JSON document or with an event stream.',
    tests: inFile(
      'test/requirements/http-transport.test.ts',
      'is answered as JSON or as an event stream [H-6]',
    ),
  },
  {
    id: 'H-7',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour:
      'A notification that is accepted is answered 202 without a body, any other with an error status.',
    tests: inFile(
      'test/requirements/http-transport.test.ts',
      'is answered 202 without a body, and so is a response [H-7] [L-8]',
      'of 2026-07-28 is answered 202 without a body, or refused with 4xx [H-7]',
      'that cannot be accepted is answered 4xx, never with a result [H-7]',
    ),
  },
  {
    id: 'H-8',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour:
      'Messages are UTF-8, ids are texts or integers and never null, and every answer repeats the id of its request.',
    tests: [
      ...inFile(
        'test/requirements/http-transport.test.ts',
        'gets its id back, as it was: %j [H-8]',
        'may hold any text in UTF-8, and so may its answer [H-8]',
        'is refused when its id is %s [H-8]',
      ),
      ...inFile('test/requirements/stdio.test.ts', 'gives the id %j back as it was [H-8]'),
    ],
  },
  {
    id: 'H-9',
    level: 'MUST',
    source: modern('basic/authorization'),
    behaviour: 'The access token is checked on every HTTP request, whatever it is for.',
    tests: inFile(
      'test/requirements/http-transport.test.ts',
      'asks for credentials on every request: calls, handshake, listen, streams, DELETE [H-9]',
    ),
  },
  {
    id: 'H-10',
    level: 'MUST',
    source: modern('server/tools'),
    behaviour: 'The arguments of a tool are checked against its schema before the tool sees them.',
    tests: inFile(
      'test/server/operations.test.ts',
      'answers arguments that do not fit with a result that names the field, both eras',
    ),
  },
  {
    id: 'H-20',
    level: 'MUST',
    source: modern('server/tools'),
    behaviour:
      'Arguments and results of a tool with a hand-written JSON Schema are checked against that schema too.',
    tests: inFile(
      'test/requirements/tool-schemas.test.ts',
      'may be of the dialect %s, and is checked in it [JS-3] [H-20]',
      'that cannot be compiled keeps the server from starting, which names the tool [H-20]',
      'is checked by itself though another has the same $id [H-20]',
      'is not run with %s: the model is told what is wrong [H-20]',
      'does not give away a result that breaks its output schema [H-20]',
    ),
  },
  {
    id: 'H-21',
    level: 'MUST',
    source: modern('server/tools'),
    behaviour: 'Who may call a tool is decided on the server, before the tool runs.',
    tests: [
      ...inFile(
        'test/server/http-guard.test.ts',
        'answers %s with one complete 403 challenge before any stream starts, both eras',
      ),
      ...inFile(
        'test/server/stdio.test.ts',
        'names the missing scope and those of the key in an isError result, both eras',
      ),
    ],
  },
  {
    id: 'H-22',
    level: 'MUST',
    source: modern('server/tools'),
    behaviour: 'Tool calls are limited in their rate.',
    tests: [
      ...inFile(
        'test/requirements/policy-limits.test.ts',
        'answers calls over the rate with 429, the time to wait, and the id of the request [H-22]',
        'counts each principal apart, and lists not at all [H-22]',
        'counts a tool with a rate of its own apart, for each principal [H-22]',
        'answers a call over the rate with a result that a model can read, both eras [H-22]',
        'answers other requests over the rate with an error that says when to retry [H-22] [H-24]',
      ),
      ...inFile('test/e2e/limits.ci.test.ts', 'hold for two processes on one PostgreSQL together'),
    ],
  },
  {
    id: 'H-23',
    level: 'MUST',
    source: modern('server/tools'),
    behaviour: 'What a tool puts out is made safe for its reader.',
    tests: [],
    exemption:
      'Only the author of a tool knows what its text may hold; the toolkit hides unexpected failures and checks structure.',
  },
  {
    id: 'H-11',
    level: 'SHOULD',
    source: modern('server/tools'),
    behaviour:
      'An unknown tool is a JSON-RPC error; wrong argument values and failures of the tool are results with isError.',
    tests: [
      ...inFile(
        'test/server/operations.test.ts',
        'answers an unknown tool with -32602, both eras',
        'tells the client nothing of an unknown failure, and the operator everything, both eras',
      ),
      ...inFile(
        'test/requirements/operations.test.ts',
        'on a tool that is not there is an error; a failure of the tool is a result [H-11]',
      ),
    ],
  },
  {
    id: 'H-12',
    level: 'MUST',
    source: modern('server/tools'),
    behaviour: 'Structured content conforms to the output schema that the tool declares.',
    tests: inFile(
      'test/requirements/operations.test.ts',
      'never sends structured content that breaks its output schema [H-12]',
    ),
  },
  {
    id: 'H-13',
    level: 'SHOULD',
    source: modern('server/tools'),
    behaviour: 'Structured content is repeated as JSON text for clients that know only text.',
    tests: [
      ...inFile(
        'test/server/operations.test.ts',
        'mirrors structured content as text, and lists the output schema',
      ),
      ...inFile(
        'test/requirements/operations.test.ts',
        'sends structured content as the era knows it, and as text too [H-13] [L-14]',
      ),
    ],
  },
  {
    id: 'H-14',
    level: 'MUST',
    source: modern('server/utilities/completion'),
    behaviour: 'A completion has at most 100 values and says whether there are more.',
    tests: [
      ...inFile('test/server/operations.test.ts', 'completes template variables'),
      ...inFile(
        'test/requirements/operations.test.ts',
        'completes with at most 100 values and says that there are more [H-14]',
        'completes an unknown argument with nothing, and an unknown reference with -32602 [H-14]',
      ),
    ],
  },
  {
    id: 'H-19',
    level: 'MUST',
    source: modern('server/utilities/completion'),
    behaviour: 'Completions show a caller nothing that the caller could not read.',
    tests: inFile(
      'test/requirements/operations.test.ts',
      'completes nothing for a caller who could not read it [H-19]',
    ),
  },
  {
    id: 'H-24',
    level: 'MUST',
    source: modern('server/utilities/completion'),
    behaviour: 'Completion requests are limited in their rate.',
    tests: inFile(
      'test/requirements/policy-limits.test.ts',
      'answers completion requests over their rate with 429, calls go on [H-24]',
      'answers other requests over the rate with an error that says when to retry [H-22] [H-24]',
    ),
  },
  {
    id: 'H-15',
    level: 'MUST',
    source: modern('server/utilities/pagination'),
    behaviour:
      'Cursors are opaque; a bad one is Invalid Params, and an empty text is an ordinary cursor.',
    tests: [
      ...inFile(
        'test/server/operations.test.ts',
        'takes an empty cursor for the beginning and refuses one it did not make',
      ),
      ...inFile(
        'test/requirements/modern-results.test.ts',
        '%s comes in pages that give every item of %s once, all under one cache scope (open: %s) [R-4] [H-15]',
      ),
      ...inFile(
        'test/requirements/operations.test.ts',
        '%s takes an empty cursor, refuses one it did not make with -32602 [H-15]',
      ),
      ...inFile(
        'test/requirements/stdio.test.ts',
        'refuses a cursor that it did not make, takes an empty one [H-15]',
      ),
    ],
  },
  {
    id: 'H-16',
    level: 'MUST',
    source: modern('basic/patterns/progress'),
    behaviour:
      'Progress is reported only for a token that was given, always grows, and ends with the request.',
    tests: [
      ...inFile(
        'test/requirements/modern-results.test.ts',
        'holds what belongs to the request, then the answer, then nothing [SSE-1] [H-16]',
        'holds no progress for a request without a token [H-16]',
      ),
      ...inFile(
        'test/requirements/operations.test.ts',
        'reports progress that only grows, under the token of its request [H-16]',
      ),
      ...inFile('test/requirements/stdio.test.ts', 'reports progress that only grows [H-16]'),
    ],
  },
  {
    id: 'H-17',
    level: 'SHOULD',
    source: modern('server/tools'),
    behaviour: 'Tool names are 1 to 128 characters of a fixed set, case-sensitive and unique.',
    tests: inFile(
      'test/server/core/core.test.ts',
      'refuses names outside the grammar, and names given twice',
    ),
  },
  {
    id: 'H-18',
    level: 'MUST',
    source: modern('server/tools'),
    behaviour: 'The root of every input schema is an object.',
    tests: [
      ...inFile(
        'test/requirements/operations.test.ts',
        'lists every tool with an input schema whose root is an object [H-18]',
      ),
      ...inFile(
        'test/requirements/tool-schemas.test.ts',
        'is refused at registration when its root is %s [H-18]',
      ),
    ],
  },
];
