import { AsyncLocalStorage } from 'node:async_hooks';
import type { ArtifactRecord, ArtifactWrite } from './ports.js';

/** All that one `/token` request wants written. Nothing of it reaches the store before the answer is complete. */
export interface TokenUnit {
  readonly writes: ArtifactWrite[];
  /** Artifacts that were read, by hash: a conflict has to find its grant again. */
  readonly seen: Map<string, ArtifactRecord>;
  /** The refresh token that this request spends. */
  spentToken: string | undefined;
  /** Hash of the refresh token that this request hands out. */
  successorHash: string | undefined;
  /** A kept answer that takes the place of whatever the engine says. */
  replay: string | undefined;
}

const units = new AsyncLocalStorage<TokenUnit>();

/** The unit of the running request, if it is one to `/token`. */
export function currentUnit(): TokenUnit | undefined {
  return units.getStore();
}

/** Runs `work` so that every artifact write under it is collected. @returns the collected unit */
export async function collectWrites(work: () => Promise<unknown>): Promise<TokenUnit> {
  const unit: TokenUnit = {
    writes: [],
    seen: new Map(),
    spentToken: undefined,
    successorHash: undefined,
    replay: undefined,
  };
  await units.run(unit, work);
  return unit;
}
