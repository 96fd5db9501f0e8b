import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import {
  ProtocolError,
  type Question,
  type ToolDefinition,
  defineTool,
} from '../../../src/server/index.js';
import { text } from './content.js';

const SECOND = 1000;

function confirmation(message: string): Question {
  return {
    kind: 'form',
    message,
    schema: { type: 'object', properties: { confirm: { type: 'boolean' } }, required: ['confirm'] },
  };
}

const nameForm: Question = {
  kind: 'form',
  message: 'What is your name?',
  schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
};

/** Tools of the tasks extension: what takes long, fails late, or asks in the middle. */
export const taskTools: readonly ToolDefinition[] = [
  defineTool({
    name: 'greet',
    description: 'Says hello, at once.',
    scopes: [],
    input: z.object({ name: z.string() }),
    handler: ({ name }) => ({ content: [text(`Hello, ${name}!`)] }),
  }),
  defineTool({
    name: 'slow_compute',
    description: 'Takes as many seconds as it is told.',
    scopes: [],
    task: { support: 'optional', pollIntervalMs: 200 },
    input: z.object({ seconds: z.number().min(0).max(600), label: z.string().optional() }),
    async handler({ seconds, label }, { signal }) {
      await wait(seconds * SECOND, undefined, { signal });
      return { content: [text(`${label ?? 'It'} took ${seconds} s`)] };
    },
  }),
  defineTool({
    name: 'failing_job',
    description: 'Works for a moment, and cannot do it.',
    scopes: [],
    task: 'required',
    async handler(_args, { signal }) {
      await wait(SECOND / 2, undefined, { signal });
      return { isError: true, content: [text('The job could not be done.')] };
    },
  }),
  defineTool({
    name: 'protocol_error_job',
    description: 'Ends in an error of the protocol.',
    scopes: [],
    task: 'required',
    handler() {
      throw new ProtocolError(-32603, 'The job has crashed');
    },
  }),
  defineTool({
    name: 'confirm_delete',
    description: 'Asks before it deletes.',
    scopes: [],
    task: 'required',
    input: z.object({ filename: z.string() }),
    async handler({ filename }, { ask }) {
      const { sure } = await ask({ sure: confirmation(`Delete ${filename}?`) });
      const isDeleted = sure['action'] === 'accept';
      return { content: [text(isDeleted ? `Deleted ${filename}` : `Kept ${filename}`)] };
    },
  }),
  defineTool({
    name: 'multi_input',
    description: 'Asks two things at the same time.',
    scopes: [],
    task: 'required',
    async handler(_args, { ask }) {
      const { first, second } = await ask({
        first: confirmation('The first?'),
        second: confirmation('The second?'),
      });
      return { content: [text(JSON.stringify([first['action'], second['action']]))] };
    },
  }),
  defineTool({
    name: 'test_tool_with_task',
    description: 'Asks its caller, and then takes its time.',
    scopes: [],
    task: { support: 'required', begins: 'in-handler' },
    async handler(_args, { ask, beginTask, signal }) {
      const { user_name: answer } = await ask({ user_name: nameForm });
      await beginTask();
      await wait(SECOND / 5, undefined, { signal });
      return { content: [text(`Done for ${JSON.stringify(answer['content'])}`)] };
    },
  }),
];
