/** The row of `SETTINGS` that this file reads. */
export const PROXY_SETTINGS = {
  trustedProxies: {
    flags: '--trusted-proxies <list or number>',
    env: 'CATALOG_TRUSTED_PROXIES',
    description:
      'whose X-Forwarded-For says where a request comes from, for limits: addresses and networks, comma-separated, or how many proxies every request passes',
    defaultText: "none: the connection's address counts",
  },
} as const;
