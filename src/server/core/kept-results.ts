/** A result that was too large to be sent, in parts that are not. */
export interface KeptResult {
  readonly id: string;
  /** Whose it is: nobody else finds it. */
  readonly owner: string;
  /** Sealed texts, in order. At least one. */
  readonly parts: readonly string[];
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** Keeps results for a while, a bounded number per owner. Ids and owners are stored hashed: they do not belong in a dump. */
export interface ResultStore {
  /** Keeps a result; of this owner's, the ones that expire first go when there are more than `maxPerOwner`. */
  keep(result: KeptResult, maxPerOwner: number): Promise<void>;
  /**
   * @param partNo - from 1
   * @returns undefined when unknown, somebody else's, or expired at `nowSeconds`
   */
  find(
    id: string,
    partNo: number,
    owner: string,
    nowSeconds: number,
  ): Promise<{ readonly part: string; readonly partCount: number } | undefined>;
  /** @returns how many parts were removed */
  deleteExpired(nowSeconds: number): Promise<number>;
}
