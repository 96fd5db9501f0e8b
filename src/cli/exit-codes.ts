/** Exit codes of every command here; part of the contract. */
export const EXIT = {
  ok: 0,
  usage: 1,
  server: 2,
  network: 3,
  authentication: 4,
  interrupted: 130,
} as const;
