import { type Requirement, inFile, modern } from './requirement.js';

/** What both eras ask of a server on stdio. */
export const stdioRequirements: readonly Requirement[] = [
  {
    id: 'STDIO-1',
    level: 'MUST',
    source: modern('basic/transports/stdio'),
    behaviour:
      'Each line of the output is one JSON-RPC message in UTF-8, and nothing else is written there.',
    tests: [
      ...inFile(
        'test/server/stdio.test.ts',
        'writes nothing but protocol',
        'takes messages however the pipe cuts them',
      ),
      ...inFile(
        'test/requirements/stdio.test.ts',
        'carries one JSON-RPC message a line in UTF-8, whatever the text holds [STDIO-1]',
        'reads a letter that the pipe cut in two [STDIO-1]',
        'writes nothing of a failure but a dull answer [STDIO-1] [STDIO-12]',
      ),
    ],
  },
  {
    id: 'STDIO-2',
    level: 'MAY',
    source: modern('basic/transports/stdio'),
    behaviour: 'Logs go to the error output.',
    tests: [],
  },
  {
    id: 'STDIO-3',
    level: 'SHOULD',
    source: modern('basic/authorization'),
    behaviour: 'Credentials come from the environment, and no OAuth flow is started.',
    tests: [
      ...inFile(
        'test/server/stdio.test.ts',
        'refuses everything but the handshake without a key, says why, and never hangs',
      ),
      ...inFile(
        'test/requirements/stdio.test.ts',
        'starts no login: without credentials it names the variable to set, with them it serves [STDIO-3]',
      ),
    ],
  },
  {
    id: 'STDIO-4',
    level: 'SHOULD',
    source: modern('basic/transports/stdio'),
    behaviour: 'The end of the input ends the server promptly.',
    tests: [
      ...inFile('test/server/stdio.test.ts', 'ends when the client closes the input'),
      ...inFile(
        'test/requirements/stdio.test.ts',
        'ends soon after its input does, also in the middle of a call [STDIO-4]',
      ),
    ],
  },
  {
    id: 'STDIO-5',
    level: 'MUST',
    source: modern('basic/transports/stdio'),
    behaviour: 'A modern client is sent no requests.',
    tests: inFile(
      'test/requirements/stdio.test.ts',
      'never sends a request, also when a tool asks [STDIO-5] [STDIO-13]',
    ),
  },
  {
    id: 'STDIO-6',
    level: 'MUST',
    source: modern('basic/transports/stdio'),
    behaviour: 'The envelope is as mandatory as over HTTP; there are no headers.',
    tests: [
      ...inFile('test/server/stdio.test.ts', 'serves a 2026 client without a handshake'),
      ...inFile(
        'test/requirements/stdio.test.ts',
        'needs no handshake and no headers, and every result is whole [STDIO-6]',
        'refuses an envelope with %s at once [STDIO-6] [STDIO-10]',
      ),
    ],
  },
  {
    id: 'STDIO-7',
    level: 'MUST',
    source: modern('basic/patterns/cancellation'),
    behaviour: 'The cancelled notification stops a request, and nothing more is sent for it.',
    tests: inFile(
      'test/requirements/stdio.test.ts',
      'stops a call on notifications/cancelled and says nothing more of it [STDIO-7]',
    ),
  },
  {
    id: 'STDIO-8',
    level: 'MUST',
    source: modern('basic/patterns/subscriptions'),
    behaviour: 'Subscriptions that share the pipe are acknowledged and tagged each for itself.',
    tests: [
      ...inFile(
        'test/server/stdio.test.ts',
        'announces changes: to a 2025 client unasked, to a 2026 client on its subscription',
      ),
      ...inFile(
        'test/requirements/stdio.test.ts',
        'carries several subscriptions at once, each acknowledged and tagged [STDIO-8]',
        'ends a subscription that its client cancels, and no other [STDIO-8]',
      ),
    ],
  },
  {
    id: 'STDIO-9',
    level: 'MAY',
    source: modern('basic/versioning'),
    behaviour: 'initialize selects the 2025 era for the process.',
    tests: [
      ...inFile(
        'test/server/stdio.test.ts',
        'serves a 2025 client after initialize, as the owner of the key',
      ),
      ...inFile(
        'test/requirements/stdio.test.ts',
        'initialize of %s selects the 2025 era for the life of the process [STDIO-9]',
      ),
    ],
  },
  {
    id: 'STDIO-10',
    level: 'MUST',
    source: modern('basic/versioning'),
    behaviour:
      'What cannot be read or is not supported is answered with an error at once, never with silence.',
    tests: [
      ...inFile(
        'test/server/stdio.test.ts',
        'answers what it cannot read: -32700, -32600 with the id, and goes on',
        'answers an unsupported version with -32022 and its own list',
      ),
      ...inFile(
        'test/requirements/stdio.test.ts',
        'answers what it cannot read at once, and goes on [STDIO-10]',
        'refuses an envelope with %s at once [STDIO-6] [STDIO-10]',
      ),
    ],
  },
  {
    id: 'STDIO-11',
    level: 'MUST',
    source: modern('basic/transports/stdio'),
    behaviour:
      'The process speaks for the one principal of its credential, whatever clients say of themselves.',
    tests: inFile(
      'test/requirements/stdio.test.ts',
      'serves one credential as one principal, whatever the client says of itself [STDIO-11]',
    ),
  },
  {
    id: 'STDIO-12',
    level: 'MUST',
    source: modern('server/utilities/logging'),
    behaviour: 'No secret is in the output, in results or in log messages.',
    tests: [
      ...inFile('test/server/stdio.test.ts', 'writes nothing but protocol'),
      ...inFile(
        'test/requirements/stdio.test.ts',
        'writes nothing of a failure but a dull answer [STDIO-1] [STDIO-12]',
      ),
    ],
  },
  {
    id: 'STDIO-13',
    level: 'MUST',
    source: modern('basic/patterns/mrtr'),
    behaviour: 'A state that was altered is refused here too: the client is not trusted.',
    tests: inFile(
      'test/requirements/stdio.test.ts',
      'never sends a request, also when a tool asks [STDIO-5] [STDIO-13]',
    ),
  },
];
