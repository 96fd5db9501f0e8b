import { type Requirement, inFile, modern } from './requirement.js';

/** What 2026-07-28 asks of results and lists. */
export const modernResultRequirements: readonly Requirement[] = [
  {
    id: 'R-1',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour: 'Every result says whether it is complete.',
    tests: inFile(
      'test/requirements/modern-results.test.ts',
      'of %s %j says that it is complete, and who made it [R-1] [R-2]',
    ),
  },
  {
    id: 'R-2',
    level: 'SHOULD',
    source: modern('basic/index'),
    behaviour: 'Every result names the server in its metadata.',
    tests: inFile(
      'test/requirements/modern-results.test.ts',
      'of %s %j says that it is complete, and who made it [R-1] [R-2]',
    ),
  },
  {
    id: 'R-3',
    level: 'MUST',
    source: modern('server/utilities/caching'),
    behaviour: 'Lists, discovery and reads say for how long and by whom they may be cached.',
    tests: inFile(
      'test/requirements/modern-results.test.ts',
      'of %s says how long and by whom it may be kept [R-3]',
      'of %s says nothing of caching [R-3]',
    ),
  },
  {
    id: 'R-4',
    level: 'MUST',
    source: modern('server/utilities/caching'),
    behaviour: 'All pages of one list have the same cache scope.',
    tests: inFile(
      'test/requirements/modern-results.test.ts',
      '%s comes in pages that give every item of %s once, all under one cache scope (open: %s) [R-4] [H-15]',
    ),
  },
  {
    id: 'R-5',
    level: 'MUST',
    source: modern('server/utilities/caching'),
    behaviour: 'What depends on the caller is never marked as cacheable for all.',
    tests: inFile(
      'test/requirements/modern-results.test.ts',
      'is for every cache only where nobody signs in, or where its author says so [R-5]',
      'is never replayed for somebody else when it depends on the caller [R-5]',
    ),
  },
  {
    id: 'R-6',
    level: 'MUST',
    source: modern('server/utilities/caching'),
    behaviour: 'A result that asks for input carries no cache hints.',
    tests: inFile(
      'test/requirements/input-rounds.test.ts',
      'may come of %s: it has questions and a state, and no cache hints [MRTR-1] [MRTR-2] [R-6]',
    ),
  },
  {
    id: 'R-7',
    level: 'SHOULD',
    source: modern('server/tools'),
    behaviour: 'The order of tools/list is the same at every call.',
    tests: inFile(
      'test/requirements/modern-results.test.ts',
      'is the same at every call, in the same order, whatever was called before [R-7] [R-8]',
    ),
  },
  {
    id: 'R-8',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour: 'Lists do not depend on the connection or on earlier calls.',
    tests: inFile(
      'test/requirements/modern-results.test.ts',
      'is the same at every call, in the same order, whatever was called before [R-7] [R-8]',
    ),
  },
  {
    id: 'R-9',
    level: 'MUST',
    source: modern('server/resources'),
    behaviour: 'A resource that does not exist is Invalid Params, never an empty result.',
    tests: [
      ...inFile(
        'test/server/operations.test.ts',
        'answers a resource that does not exist with -32602 and its URI, both eras',
      ),
      ...inFile(
        'test/requirements/modern-results.test.ts',
        'is answered with -32602, never with empty contents [R-9]',
      ),
    ],
  },
  {
    id: 'R-10',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour:
      'Codes of earlier revisions are not sent, and none is invented in the reserved range.',
    tests: inFile(
      'test/requirements/modern-errors.test.ts',
      'are never those of the revisions before, nor invented in the reserved range [R-10]',
    ),
  },
  {
    id: 'R-11',
    level: 'MUST',
    source: modern('server/discover'),
    behaviour: 'Discovery names versions, capabilities and instructions.',
    tests: [
      ...inFile(
        'test/server/modern.test.ts',
        'is served without a session, and the answer names the server',
      ),
      ...inFile(
        'test/requirements/modern-results.test.ts',
        'names the versions, the capabilities and the instructions [R-11]',
      ),
    ],
  },
  {
    id: 'R-12',
    level: 'MUST',
    source: modern('basic/transports/streamable-http'),
    behaviour: 'What is not advertised is answered as an unknown method.',
    tests: [
      ...inFile('test/server/modern.test.ts', 'with %s is refused'),
      ...inFile(
        'test/requirements/modern-errors.test.ts',
        'because its capability is not offered is answered 404 and -32601, and is not advertised [R-12]',
      ),
    ],
  },
  {
    id: 'R-13',
    level: 'MUST',
    source: modern('basic/index'),
    behaviour: 'Nothing that a request needs is taken from an earlier request.',
    tests: inFile(
      'test/requirements/modern-results.test.ts',
      'owes nothing to the requests before it: capabilities and identity are its own [R-13]',
    ),
  },
];
