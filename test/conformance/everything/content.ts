/** The smallest files that are what they say they are. */
export const PNG_BASE64 =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const WAV_BASE64 = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==';

export const image = { type: 'image', data: PNG_BASE64, mimeType: 'image/png' } as const;
export const audio = { type: 'audio', data: WAV_BASE64, mimeType: 'audio/wav' } as const;

export function text(value: string): { readonly type: 'text'; readonly text: string } {
  return { type: 'text', text: value };
}

export function embedded(
  uri: string,
  mimeType: string,
  content: string,
): {
  readonly type: 'resource';
  readonly resource: { readonly uri: string; readonly mimeType: string; readonly text: string };
} {
  return { type: 'resource', resource: { uri, mimeType, text: content } };
}
