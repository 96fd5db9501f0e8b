import {
  type PromptDefinition,
  type PromptMessage,
  type ResourceDefinition,
  type ResourceTemplateDefinition,
  definePrompt,
  defineResource,
  defineResourceTemplate,
} from '../../../src/server/index.js';
import { PNG_BASE64, embedded, image, text } from './content.js';

export const resources: readonly ResourceDefinition[] = [
  defineResource({
    uri: 'test://static-text',
    name: 'Static Text Resource',
    description: 'A fixed text',
    mimeType: 'text/plain',
    scopes: [],
    cache: { ttlMs: 60_000, scope: 'public' },
    read: async () => [{ text: 'This is the content of the static text resource.' }],
  }),
  defineResource({
    uri: 'test://static-binary',
    name: 'Static Binary Resource',
    description: 'A fixed image',
    mimeType: 'image/png',
    scopes: [],
    read: async () => [{ blob: PNG_BASE64 }],
  }),
  defineResource({
    uri: 'test://watched-resource',
    name: 'Watched Resource',
    description: 'A resource to subscribe to',
    mimeType: 'text/plain',
    scopes: [],
    read: async () => [{ text: 'Watched resource content' }],
  }),
];

export const resourceTemplates: readonly ResourceTemplateDefinition[] = [
  defineResourceTemplate({
    uriTemplate: 'test://template/{id}/data',
    name: 'Template Resource',
    description: 'Data of one id',
    mimeType: 'application/json',
    scopes: [],
    read: async ({ id }) => [
      { text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) },
    ],
    complete: { id: (value) => ['1', '2', '3'].filter((id) => id.startsWith(value)) },
  }),
];

export const prompts: readonly PromptDefinition[] = [
  definePrompt({
    name: 'test_simple_prompt',
    description: 'A prompt without arguments',
    scopes: [],
    render: async () => ({ messages: [user(text('This is a simple prompt for testing.'))] }),
  }),
  definePrompt({
    name: 'test_prompt_with_arguments',
    description: 'A prompt with two arguments',
    scopes: [],
    arguments: [
      {
        name: 'arg1',
        description: 'First test argument',
        required: true,
        complete: (value) => ['testValue1', 'testValue2'].filter((it) => it.startsWith(value)),
      },
      { name: 'arg2', description: 'Second test argument', required: true },
    ],
    render: async ({ arg1, arg2 }) => ({
      messages: [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
    }),
  }),
  definePrompt({
    name: 'test_prompt_with_embedded_resource',
    description: 'A prompt that carries a resource',
    scopes: [],
    arguments: [{ name: 'resourceUri', description: 'URI to embed', required: true }],
    render: async ({ resourceUri = '' }) => ({
      messages: [
        user(embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
        user(text('Please process the embedded resource above.')),
      ],
    }),
  }),
  definePrompt({
    name: 'test_prompt_with_image',
    description: 'A prompt that carries an image',
    scopes: [],
    render: async () => ({
      messages: [user(image), user(text('Please analyze the image above.'))],
    }),
  }),
  definePrompt({
    name: 'test_input_required_result_prompt',
    description: 'A prompt that asks before it is made',
    scopes: [],
    async render(_args, context) {
      const { user_context: answer } = await context.ask({
        user_context: {
          kind: 'form',
          message: 'What context should the prompt use?',
          schema: {
            type: 'object',
            properties: { context: { type: 'string' } },
            required: ['context'],
          },
        },
      });
      return { messages: [user(text(`Context: ${JSON.stringify(answer['content'])}`))] };
    },
  }),
];

function user(content: PromptMessage['content']): PromptMessage {
  return { role: 'user', content };
}
