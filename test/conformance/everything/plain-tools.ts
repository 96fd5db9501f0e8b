import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import {
  type ChangeNotifier,
  type ToolDefinition,
  defineTool,
  jsonSchema,
} from '../../../src/server/index.js';
import { audio, embedded, image, text } from './content.js';

const STEP_MS = 50;

/** Tools that answer on their own. */
export function plainTools(changes: ChangeNotifier): ToolDefinition[] {
  return [
    defineTool({
      name: 'test_simple_text',
      description: 'Answers with one fixed line of text.',
      scopes: [],
      handler: () => ({ content: [text('This is a simple text response for testing.')] }),
    }),
    defineTool({
      name: 'test_image_content',
      description: 'Answers with one PNG image.',
      scopes: [],
      handler: () => ({ content: [image] }),
    }),
    defineTool({
      name: 'test_audio_content',
      description: 'Answers with one WAV sound.',
      scopes: [],
      handler: () => ({ content: [audio] }),
    }),
    defineTool({
      name: 'test_embedded_resource',
      description: 'Answers with one embedded resource.',
      scopes: [],
      handler: () => ({
        content: [
          embedded(
            'test://embedded-resource',
            'text/plain',
            'This is an embedded resource content.',
          ),
        ],
      }),
    }),
    defineTool({
      name: 'test_multiple_content_types',
      description: 'Answers with text, an image and a resource together.',
      scopes: [],
      handler: () => ({
        content: [
          text('Multiple content types test:'),
          image,
          embedded(
            'test://mixed-content-resource',
            'application/json',
            JSON.stringify({ test: 'data', value: 123 }),
          ),
        ],
      }),
    }),
    defineTool({
      name: 'test_tool_with_logging',
      description: 'Sends three log messages while it runs.',
      scopes: [],
      async handler(_args, context) {
        await context.log('info', 'Tool execution started');
        await delay(STEP_MS);
        await context.log('info', 'Tool processing data');
        await delay(STEP_MS);
        await context.log('info', 'Tool execution completed');
        return { content: [text('Tool with logging executed successfully')] };
      },
    }),
    defineTool({
      name: 'test_logging_tool',
      description: 'Sends one log message, to those who asked for it.',
      scopes: [],
      async handler(_args, context) {
        await context.log('info', 'This is a log message from test_logging_tool');
        return { content: [text('Logged')] };
      },
    }),
    defineTool({
      name: 'test_tool_with_progress',
      description: 'Reports its progress in three steps.',
      scopes: [],
      async handler(_args, context) {
        for (const done of [0, 50, 100]) {
          await context.progress(done, 100, `Completed step ${done} of 100`);
          await delay(STEP_MS);
        }
        return { content: [text('Tool with progress executed successfully')] };
      },
    }),
    defineTool({
      name: 'test_error_handling',
      description: 'Fails every time, on purpose.',
      scopes: [],
      handler: () => ({
        content: [text('This tool intentionally returns an error for testing')],
        isError: true,
      }),
    }),
    defineTool({
      name: 'test_reconnection',
      description: 'Closes its stream in the middle; the answer comes to the reconnected client.',
      scopes: [],
      async handler(_args, context) {
        await delay(STEP_MS);
        context.closeStream();
        await delay(2 * STEP_MS);
        return { content: [text('Reconnection test completed')] };
      },
    }),
    defineTool({
      name: 'test_trigger_tool_change',
      description: 'Announces that the list of tools has changed.',
      scopes: [],
      handler() {
        changes.toolsChanged();
        return { content: [text('Announced')] };
      },
    }),
    defineTool({
      name: 'test_trigger_prompt_change',
      description: 'Announces that the list of prompts has changed.',
      scopes: [],
      handler() {
        changes.promptsChanged();
        return { content: [text('Announced')] };
      },
    }),
    defineTool({
      name: 'test_structured',
      description: 'Adds two numbers; its result has a schema.',
      scopes: [],
      input: z.object({ a: z.number(), b: z.number() }),
      output: z.object({ sum: z.number() }),
      handler: ({ a, b }) => ({ structured: { sum: a + b } }),
    }),
    defineTool({
      name: 'test_header_mirror',
      description: 'Has one argument that clients repeat in a header.',
      scopes: [],
      input: jsonSchema({
        type: 'object',
        properties: {
          region: { type: 'string', description: 'Any text', 'x-mcp-header': 'Region' },
          query: { type: 'string' },
        },
      }),
      handler: (args) => ({ content: [text(JSON.stringify(args))] }),
    }),
    defineTool({
      name: 'json_schema_2020_12_tool',
      description: 'Tool with JSON Schema 2020-12 features',
      scopes: [],
      input: jsonSchema({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        $defs: {
          address: {
            $anchor: 'addressDef',
            type: 'object',
            properties: { street: { type: 'string' }, city: { type: 'string' } },
          },
        },
        properties: {
          name: { type: 'string' },
          address: { $ref: '#/$defs/address' },
          contactMethod: { type: 'string', enum: ['phone', 'email'] },
          phone: { type: 'string' },
          email: { type: 'string' },
        },
        allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
        if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
        // oxlint-disable-next-line unicorn/no-thenable -- a JSON Schema keyword
        then: { required: ['phone'] },
        else: { required: ['email'] },
        additionalProperties: false,
      }),
      handler: (args) => ({ content: [text(JSON.stringify(args))] }),
    }),
  ];
}
