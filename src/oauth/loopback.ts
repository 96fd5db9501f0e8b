/** The three spellings of this machine that browsers and clients use, as `URL.hostname` gives them. */
export const LOOPBACK_HOSTNAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Whether a URL's host is this machine: one of {@link LOOPBACK_HOSTNAMES}, compared exactly. */
export function isLoopbackUrl(url: string | URL): boolean {
  const parsed = typeof url === 'string' ? (URL.canParse(url) ? new URL(url) : undefined) : url;
  return parsed !== undefined && LOOPBACK_HOSTNAMES.includes(parsed.hostname);
}

/** The same URL under every loopback spelling, its own first; for any other host just the URL itself. */
export function loopbackAliases(url: string): string[] {
  const parsed = new URL(url);
  if (!isLoopbackUrl(parsed)) return [url];
  const spellings = LOOPBACK_HOSTNAMES.map((hostname) => {
    const port = parsed.port === '' ? '' : `:${parsed.port}`;
    return `${parsed.protocol}//${hostname}${port}${parsed.pathname === '/' && !url.endsWith('/') ? '' : parsed.pathname}${parsed.search}`;
  });
  return [...new Set([url, ...spellings])];
}
