import { z } from 'zod';
import {
  type JsonObject,
  type Question,
  type ToolDefinition,
  defineTool,
} from '../../../src/server/index.js';
import { text } from './content.js';

const nameForm: Question = {
  kind: 'form',
  message: 'What is your name?',
  schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
};
const okForm: Question = {
  kind: 'form',
  message: 'Is that all right?',
  schema: { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] },
};
const capitalQuestion = sampling('What is the capital of France?', 100);
const roots: Question = { kind: 'roots' };

/** Tools that ask in the middle of a call: written once, answered in both eras. */
export const askingTools: readonly ToolDefinition[] = [
  defineTool({
    name: 'test_sampling',
    description: 'Lets the host complete a prompt.',
    scopes: [],
    input: z.object({ prompt: z.string() }),
    async handler({ prompt }, context) {
      const { completion } = await context.ask({ completion: sampling(prompt, 100) });
      return { content: [text(`LLM response: ${JSON.stringify(completion['content'])}`)] };
    },
  }),
  defineTool({
    name: 'test_elicitation',
    description: 'Asks the person for a user name and an address.',
    scopes: [],
    input: z.object({ message: z.string() }),
    handler: askForm('User response', ({ message }: { message: string }) => ({
      message,
      schema: {
        type: 'object',
        properties: {
          username: { type: 'string', description: "User's response" },
          email: { type: 'string', description: "User's email address" },
        },
        required: ['username', 'email'],
      },
    })),
  }),
  defineTool({
    name: 'test_elicitation_sep1034_defaults',
    description: 'Asks with a default for every kind of field.',
    scopes: [],
    handler: askForm('Elicitation completed', () => ({
      message: 'Please review and update the form fields with defaults',
      schema: {
        type: 'object',
        properties: {
          name: { type: 'string', description: 'User name', default: 'John Doe' },
          age: { type: 'integer', description: 'User age', default: 30 },
          score: { type: 'number', description: 'User score', default: 95.5 },
          status: {
            type: 'string',
            description: 'User status',
            enum: ['active', 'inactive', 'pending'],
            default: 'active',
          },
          verified: { type: 'boolean', description: 'Verification status', default: true },
        },
        required: [],
      },
    })),
  }),
  defineTool({
    name: 'test_elicitation_sep1330_enums',
    description: 'Asks with every form of choice there is.',
    scopes: [],
    handler: askForm('Elicitation completed', () => ({
      message: 'Please select options from the enum fields',
      schema: {
        type: 'object',
        properties: {
          untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
          titledSingle: {
            type: 'string',
            oneOf: [
              { const: 'value1', title: 'First Option' },
              { const: 'value2', title: 'Second Option' },
              { const: 'value3', title: 'Third Option' },
            ],
          },
          legacyEnum: {
            type: 'string',
            enum: ['opt1', 'opt2', 'opt3'],
            enumNames: ['Option One', 'Option Two', 'Option Three'],
          },
          untitledMulti: {
            type: 'array',
            items: { type: 'string', enum: ['option1', 'option2', 'option3'] },
          },
          titledMulti: {
            type: 'array',
            items: {
              anyOf: [
                { const: 'value1', title: 'First Choice' },
                { const: 'value2', title: 'Second Choice' },
                { const: 'value3', title: 'Third Choice' },
              ],
            },
          },
        },
        required: [],
      },
    })),
  }),
  defineTool({
    name: 'test_missing_capability',
    description: 'Cannot work with a client that has no sampling.',
    scopes: [],
    requiredCapabilities: { sampling: {} },
    handler: () => ({ content: [text('The client has sampling')] }),
  }),
  defineTool({
    name: 'test_streaming_elicitation',
    description: 'Reports progress, then asks.',
    scopes: [],
    async handler(_args, context) {
      await context.progress(1, 2);
      const { user_name: answer } = await context.ask({ user_name: nameForm });
      return { content: [text(JSON.stringify(answer))] };
    },
  }),
  asking('test_input_required_result_elicitation', { user_name: nameForm }, (answers) => {
    const content = answers['user_name']?.['content'] as JsonObject | undefined;
    return `Hello, ${JSON.stringify(content?.['name'])}!`;
  }),
  asking('test_input_required_result_sampling', { capital_question: capitalQuestion }),
  asking('test_input_required_result_list_roots', { client_roots: roots }),
  asking('test_input_required_result_request_state', { confirm: okForm }, () => 'state-ok'),
  asking('test_input_required_result_multiple_inputs', {
    user_name: nameForm,
    greeting: sampling('Generate a greeting', 50),
    client_roots: roots,
  }),
  asking('test_input_required_result_tampered_state', { confirm: okForm }),
  defineTool({
    name: 'test_input_required_result_multi_round',
    description: 'Asks twice, one question after the other.',
    scopes: [],
    async handler(_args, context) {
      const { step1 } = await context.ask({
        step1: { ...nameForm, message: 'Step 1: What is your name?' },
      });
      const { step2 } = await context.ask({
        step2: {
          kind: 'form',
          message: 'Step 2: What is your favorite color?',
          schema: {
            type: 'object',
            properties: { color: { type: 'string' } },
            required: ['color'],
          },
        },
      });
      return { content: [text(JSON.stringify({ step1, step2 }))] };
    },
  }),
  defineTool({
    name: 'test_input_required_result_capabilities',
    description: 'Asks only what the client says it can answer.',
    scopes: [],
    async handler(_args, context) {
      const { sampling: hasSampling, elicitation, roots: hasRoots } = context.clientCapabilities;
      const questions: Record<string, Question> = {
        ...(hasSampling !== undefined && { capital_question: capitalQuestion }),
        ...(elicitation !== undefined && { user_name: nameForm }),
        ...(hasRoots !== undefined && { client_roots: roots }),
      };
      const answers = await context.ask(questions);
      return { content: [text(JSON.stringify(answers))] };
    },
  }),
];

function asking(
  name: string,
  questions: Readonly<Record<string, Question>>,
  say: (answers: Record<string, JsonObject>) => string = (answers) => JSON.stringify(answers),
): ToolDefinition {
  return defineTool({
    name,
    description: `Asks: ${Object.keys(questions).join(', ')}.`,
    scopes: [],
    async handler(_args, context) {
      return { content: [text(say(await context.ask(questions)))] };
    },
  });
}

function askForm<Args>(
  title: string,
  form: (args: Args) => { readonly message: string; readonly schema: JsonObject },
): ToolDefinition['handler'] {
  return async (args, context) => {
    const { answer } = await context.ask({ answer: { kind: 'form', ...form(args as Args) } });
    const shown = `action=${JSON.stringify(answer['action'])}, content=${JSON.stringify(answer['content'] ?? {})}`;
    return { content: [text(`${title}: ${shown}`)] };
  };
}

function sampling(prompt: string, maxTokens: number): Question {
  return {
    kind: 'sampling',
    params: { messages: [{ role: 'user', content: text(prompt) }], maxTokens },
  };
}
