/** What the SDK's transport answers with when it refuses a request. */
export const ERROR_OF_TRANSPORT = -32000;

/** @param id - of the request, when it could be read */
export function rpcErrorResponse(
  status: number,
  code: number,
  message: string,
  id?: unknown,
): Response {
  const echoed = typeof id === 'string' || typeof id === 'number' ? id : null;
  return Response.json({ jsonrpc: '2.0', id: echoed, error: { code, message } }, { status });
}
