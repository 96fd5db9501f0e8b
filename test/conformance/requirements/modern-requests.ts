import { type Requirement, inFile, modern } from './requirement.js';

/** What 2026-07-28 asks of a server before it serves a request: headers, envelope, errors, schemas. */
export const modernRequestRequirements: readonly Requirement[] = [
  {
    id: 'HDR-1',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'The MCP-Protocol-Version header is there and agrees with the version in the body.',
    tests: inFile('test/server/modern.test.ts', 'with %s is refused'),
  },
  {
    id: 'HDR-2',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour:
      'Mcp-Method is there and equals the method of the body: header names in any case, values to the letter.',
    tests: [
      ...inFile('test/server/modern.test.ts', 'with %s is refused'),
      ...inFile(
        'test/requirements/modern-headers.test.ts',
        'that reads %j is refused beside a body that says tools/list [HDR-2]',
        'may have its name in any case and blanks around its value [HDR-2]',
      ),
    ],
  },
  {
    id: 'HDR-3',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour:
      'Mcp-Name is there for calls, prompts and reads, and equals the name or URI of the body after decoding.',
    tests: [
      ...inFile('test/server/modern.test.ts', 'has to name its tool in Mcp-Name'),
      ...inFile(
        'test/requirements/modern-headers.test.ts',
        'is needed by %s [HDR-3]',
        'of %s has to be that of the body, to the letter [HDR-3]',
        'of %s is compared after decoding [HDR-3]',
        'names an unknown tool without being a mismatch [HDR-3]',
      ),
    ],
  },
  {
    id: 'HDR-4',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour:
      'An annotated argument that has a value comes with its Mcp-Param header, which decodes to the same value.',
    tests: [
      ...inFile('test/server/modern.test.ts', 'is checked against its Mcp-Param header, which %s'),
      ...inFile(
        'test/requirements/modern-headers.test.ts',
        'is right when it holds %s [HDR-4]',
        'is refused when it %s [HDR-4]',
      ),
    ],
  },
  {
    id: 'HDR-5',
    level: 'SHOULD',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'Integers are compared as numbers, not as texts.',
    tests: inFile(
      'test/requirements/modern-headers.test.ts',
      'is compared as a number where the argument is one [HDR-5]',
    ),
  },
  {
    id: 'HDR-6',
    level: 'SHOULD',
    source: modern('basic/transports/streamable-http'),
    behaviour:
      'Session ids and Last-Event-ID of earlier revisions are ignored and never sent back.',
    tests: [
      ...inFile('test/server/modern.test.ts', 'ignores a session id and a Last-Event-ID'),
      ...inFile(
        'test/requirements/modern-headers.test.ts',
        'are ignored and never sent back [HDR-6]',
      ),
    ],
  },
  {
    id: 'HDR-7',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour:
      'Mcp-Name or a known Mcp-Param header with characters outside visible ASCII, or in base64 that is none, is refused.',
    tests: inFile(
      'test/requirements/modern-headers.test.ts',
      'is refused in Mcp-Param-* when it %s, whether or not there is an argument [HDR-7]',
      'is refused in Mcp-Name when it %s [HDR-7]',
      'does not matter in a header that no property asks for, when it %s [HDR-7]',
      'comes after the version [HDR-7]',
    ),
  },
  {
    id: 'ENV-1',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour:
      'A request names its protocol version and client capabilities in its metadata, or is refused as Invalid Params with 400.',
    tests: [
      ...inFile('test/server/modern.test.ts', 'with %s is refused'),
      ...inFile(
        'test/requirements/modern-errors.test.ts',
        'is refused with 400 and -32602 when it has %s [ENV-1]',
      ),
    ],
  },
  {
    id: 'ENV-2',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour: 'A request without client information is served.',
    tests: inFile(
      'test/requirements/modern-errors.test.ts',
      'needs no clientInfo, and takes one [ENV-2]',
    ),
  },
  {
    id: 'ENV-3',
    level: 'MAY',
    source: modern('basic/index'),
    behaviour: 'Trace context and metadata of other parties may ride along.',
    tests: inFile(
      'test/requirements/modern-errors.test.ts',
      'may hold trace context and keys of others [ENV-3]',
    ),
  },
  {
    id: 'ENV-4',
    level: 'MUST',
    source: modern('server/utilities/logging'),
    behaviour:
      'Log messages are sent only to a request that names a level, and only from that level up.',
    tests: [
      ...inFile(
        'test/requirements/modern-results.test.ts',
        'holds log messages only at the level that the request asked for [ENV-4]',
      ),
      ...inFile(
        'test/requirements/stdio.test.ts',
        'says nothing of logs unless the request asks [ENV-4]',
      ),
    ],
  },
  {
    id: 'ERR-1',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour: 'What is no JSON is answered with the JSON-RPC parse error.',
    tests: [
      ...inFile(
        'test/server/http-guard.test.ts',
        'answers 400 -32700 to malformed JSON with credentials',
      ),
      ...inFile(
        'test/server/stdio.test.ts',
        'answers what it cannot read: -32700, -32600 with the id, and goes on',
      ),
      ...inFile(
        'test/requirements/http-transport.test.ts',
        'is refused with 400 and -32700 when it is not JSON, or not UTF-8 [ERR-1]',
      ),
    ],
  },
  {
    id: 'ERR-2',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'What is no single request or notification is refused as an invalid request.',
    tests: inFile(
      'test/requirements/http-transport.test.ts',
      'is refused with 400 and a JSON-RPC error: %s [ERR-2]',
    ),
  },
  {
    id: 'ERR-3',
    level: 'MUST',
    source: modern('basic/versioning'),
    behaviour:
      'An unknown or retired version is refused with 400 and -32022, with the versions served and the one asked for.',
    tests: [
      ...inFile(
        'test/server/stdio.test.ts',
        'answers an unsupported version with -32022 and its own list',
      ),
      ...inFile(
        'test/requirements/modern-errors.test.ts',
        'of version %j is refused with 400, -32022, what is served and what was asked for [ERR-3]',
      ),
    ],
  },
  {
    id: 'ERR-4',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'An unknown method is refused with 404 and -32601.',
    tests: [
      ...inFile('test/server/modern.test.ts', 'with %s is refused'),
      ...inFile(
        'test/requirements/modern-errors.test.ts',
        '%s is answered 404 and -32601 in 2026-07-28 [ERR-4]',
      ),
    ],
  },
  {
    id: 'ERR-5',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour:
      'A request whose client lacks a capability is refused with 400 and -32021, naming it as a capabilities object.',
    tests: [
      ...inFile(
        'test/server/operations.test.ts',
        'asks nothing that the client did not say it can answer',
      ),
      ...inFile(
        'test/requirements/modern-errors.test.ts',
        'makes %s fail with 400, -32021 and the capabilities as an object [ERR-5]',
      ),
    ],
  },
  {
    id: 'ERR-6',
    level: 'SHOULD',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'GET and DELETE that belong to no session are refused and open nothing.',
    tests: [
      ...inFile(
        'test/server/http-sessions.test.ts',
        'answers 400 when the session id is missing, also to a stream',
      ),
      ...inFile(
        'test/requirements/modern-errors.test.ts',
        '%s without a session is refused with 4xx and opens nothing [ERR-6]',
      ),
    ],
  },
  {
    id: 'ERR-7',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour: 'Parameters of the wrong shape are answered with -32602 for every method.',
    tests: inFile(
      'test/requirements/param-shapes.test.ts',
      'of %s: %j are answered -32602, naming %s [ERR-7]',
      'of %s: %j are answered -32602 in 2025-11-25, naming %s [ERR-7]',
      'of tools/call and subscriptions/listen are answered -32602 too [ERR-7]',
      'leave what is right, unknown members too, as it is [ERR-7]',
    ),
  },
  {
    id: 'ORDER-1',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour:
      'Of several faults the envelope is judged first, then header against body, then the version, then the headers, then the method.',
    tests: inFile(
      'test/requirements/modern-errors.test.ts',
      '%s: that comes before %s [ORDER-1]',
      'lets a missing envelope win over an unknown method, and a bad version too [ORDER-1]',
      'lets a header that is missing win over a method that is unknown [ORDER-1]',
    ),
  },
  {
    id: 'ORDER-2',
    level: 'SHOULD',
    source: modern('basic/transports/streamable-http'),
    behaviour:
      'Host, Origin, credentials, HTTP method and syntax are judged before the message, in that order.',
    tests: [
      ...inFile(
        'test/server/http-guard.test.ts',
        'answers 401 to malformed JSON without credentials: nobody learns whether it was valid',
      ),
      ...inFile(
        'test/requirements/modern-errors.test.ts',
        'puts host, origin, credentials, method and syntax before the message, in that order [ORDER-2]',
      ),
    ],
  },
  {
    id: 'XH-1',
    level: 'MUST',
    source: modern('server/tools'),
    behaviour: 'An x-mcp-header annotation is a non-empty HTTP token.',
    tests: inFile(
      'test/requirements/tool-schemas.test.ts',
      'is refused when an x-mcp-header %s [XH-1]',
    ),
  },
  {
    id: 'XH-2',
    level: 'MUST',
    source: modern('server/tools'),
    behaviour: 'The x-mcp-header annotations of a tool differ in more than case.',
    tests: inFile(
      'test/requirements/tool-schemas.test.ts',
      'is refused when two x-mcp-header are the same but for case [XH-2]',
    ),
  },
  {
    id: 'XH-3',
    level: 'MUST',
    source: modern('server/tools'),
    behaviour: 'Only properties of type string, integer or boolean carry x-mcp-header.',
    tests: inFile(
      'test/requirements/tool-schemas.test.ts',
      'is refused when an x-mcp-header is on a property of type %j [XH-3]',
      'is taken with good annotations, nested and beside others, and with look-alikes that are data [XH-3]',
    ),
  },
  {
    id: 'XH-4',
    level: 'MUST',
    source: modern('server/tools'),
    behaviour: 'Only properties that are reached through properties alone carry x-mcp-header.',
    tests: inFile(
      'test/requirements/tool-schemas.test.ts',
      'is refused when an x-mcp-header is under %s [XH-4]',
    ),
  },
  {
    id: 'XH-5',
    level: 'MUST',
    source: modern('server/tools'),
    behaviour: 'An integer that is repeated in a header is within the safe range.',
    tests: [],
    exemption:
      'The client writes the header; a value that JSON cannot carry exactly never reaches the server.',
  },
  {
    id: 'XH-6',
    level: 'SHOULD',
    source: modern('server/tools'),
    behaviour: 'Secrets and personal data are not annotated for headers.',
    tests: [],
  },
  {
    id: 'JS-1',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour:
      'Schemas are JSON Schema 2020-12 unless they say otherwise, and reach clients unaltered.',
    tests: inFile(
      'test/requirements/tool-schemas.test.ts',
      'reaches the client unharmed, and nothing it refers to is fetched [JS-1] [JS-2]',
    ),
  },
  {
    id: 'JS-2',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour: 'References in schemas are never fetched over the network.',
    tests: inFile(
      'test/requirements/tool-schemas.test.ts',
      'reaches the client unharmed, and nothing it refers to is fetched [JS-1] [JS-2]',
      'is refused when it refers to %s, at %s [JS-2]',
      'may refer to itself and to what it contains, and have properties that look like references [JS-2]',
    ),
  },
  {
    id: 'JS-3',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour: 'A schema in a dialect that is not supported leads to an explicit error.',
    tests: inFile(
      'test/requirements/tool-schemas.test.ts',
      'is refused at registration when its dialect is %j [JS-3]',
      'may be of the dialect %s, and is checked in it [JS-3] [H-20]',
      'may be of any dialect when it comes with its own check [JS-3]',
    ),
  },
  {
    id: 'JS-4',
    level: 'SHOULD',
    source: modern('basic/index'),
    behaviour: 'The depth and size of what is checked against schemas is bounded.',
    tests: inFile(
      'test/requirements/http-transport.test.ts',
      'refuses a body above the limit with 413, a deep one with 400, before it is looked at [SEC-9]',
    ),
  },
];
