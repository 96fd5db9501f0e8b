import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { quote } from '../shared/errors.js';
import { ModelUnavailableError } from './errors.js';

/** Versions that fit the LangChain core of this project; npm's newest may ask for a newer core. */
const VERSIONS: Readonly<Record<string, string>> = {
  '@langchain/openai': '@1.6.0',
  '@langchain/anthropic': '@1.5.11',
  '@langchain/ollama': '@1.3.0',
};

/**
 * Loads the chat model that a `provider:name` text names, by LangChain's `initChatModel`.
 *
 * The provider's credentials are read by its own package from its own environment variables.
 *
 * @throws {ModelUnavailableError} when the text is not `provider:name`, the provider is unknown, or its package is not
 * installed: the message has the npm command
 */
export async function loadChatModel(spec: string): Promise<BaseChatModel> {
  const colon = spec.indexOf(':');
  const [provider, name] = [spec.slice(0, colon), spec.slice(colon + 1)];
  if (colon < 1 || name === '') {
    throw new ModelUnavailableError(
      `model ${quote(spec)} is not of the form provider:name, such as "openai:gpt-4.1" or "ollama:llama3.1"`,
    );
  }
  // Loaded only when a model is used: it brings in most of LangChain.
  const { MODEL_PROVIDER_CONFIG, initChatModel } = await import('langchain/chat_models/universal');
  const known: Readonly<Record<string, { readonly package: string }>> = MODEL_PROVIDER_CONFIG;
  const config = Object.hasOwn(known, provider) ? known[provider] : undefined;
  if (config === undefined) {
    throw new ModelUnavailableError(
      `model provider ${quote(provider)} is unknown: expected one of ${Object.keys(known).join(', ')}`,
    );
  }
  try {
    return await initChatModel(name, { modelProvider: provider });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (/unable to import|cannot find (?:package|module)/i.test(message)) {
      throw new ModelUnavailableError(
        `model ${quote(spec)} needs the package ${config.package}, which is not installed: npm install ${config.package}${VERSIONS[config.package] ?? ''}`,
        { cause: error },
      );
    }
    throw new ModelUnavailableError(
      `model ${quote(spec)} cannot be used: ${message.slice(0, 300)}`,
      {
        cause: error,
      },
    );
  }
}
