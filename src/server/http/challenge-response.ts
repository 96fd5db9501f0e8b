import type { ServerResponse } from 'node:http';
import { formatChallenge } from '../../oauth/challenge.js';
import { formatScope } from '../../oauth/scope.js';
import type { CredentialRejection } from './authenticate.js';
import { sendJson } from './respond.js';

/**
 * The dull public answer to credentials that were refused, and the challenge that starts a login.
 *
 * @param scope - what a first login should ask for
 * @see RFC 6750 §3, RFC 9728 §5.1
 */
export function sendCredentialRejection(
  response: ServerResponse,
  rejection: CredentialRejection,
  resourceMetadataUrl: string,
  scope: readonly string[],
): void {
  const challenge = (error?: string): Record<string, string> => ({
    'www-authenticate': formatChallenge('Bearer', {
      error,
      scope: scope.length === 0 ? undefined : formatScope(scope),
      resource_metadata: resourceMetadataUrl,
    }),
  });
  switch (rejection.kind) {
    case 'missing': {
      // RFC 6750 §3.1: no error code when no credentials came.
      sendJson(response, 401, { error_description: 'Authentication is required.' }, challenge());
      return;
    }
    case 'malformed': {
      const error = 'invalid_request';
      const body = { error, error_description: `The request is malformed: ${rejection.reason}.` };
      sendJson(response, 400, body, challenge(error));
      return;
    }
    case 'bad_token':
    case 'bad_api_key': {
      const error = 'invalid_token';
      const body = { error, error_description: 'The credentials are not valid here.' };
      sendJson(response, 401, body, challenge(error));
      return;
    }
    case 'unavailable': {
      const body = { error: 'temporarily_unavailable' };
      sendJson(response, 503, body, { 'retry-after': '5' });
    }
  }
}

/** @param required - every scope the operation needs, also those the caller has */
export function sendInsufficientScope(
  response: ServerResponse,
  required: readonly string[],
  resourceMetadataUrl: string,
): void {
  const error = 'insufficient_scope';
  const scope = formatScope(required);
  sendJson(
    response,
    403,
    { error, error_description: `This operation needs the scope: ${scope}`, scope },
    {
      'www-authenticate': formatChallenge('Bearer', {
        error,
        scope,
        resource_metadata: resourceMetadataUrl,
      }),
    },
  );
}
