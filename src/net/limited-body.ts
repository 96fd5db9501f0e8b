import { ResponseTooLargeError } from './errors.js';

/**
 * The same stream, ended with an error once more than `maxBytes` came through.
 *
 * @param onEnd - called once, when the stream ends, fails or is cancelled
 */
export function limitBody(
  body: ReadableStream<Uint8Array>,
  origin: string,
  maxBytes: number,
  onEnd: () => void,
  mapError: (error: unknown) => unknown,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let total = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          onEnd();
          controller.close();
          return;
        }
        total += value.byteLength;
        if (total > maxBytes) throw new ResponseTooLargeError(origin, maxBytes);
        controller.enqueue(value);
      } catch (error) {
        onEnd();
        controller.error(mapError(error));
        // The rest is not wanted; a failure to say so changes nothing.
        await reader.cancel().catch(() => undefined);
      }
    },
    async cancel(reason) {
      onEnd();
      await reader.cancel(reason);
    },
  });
}
