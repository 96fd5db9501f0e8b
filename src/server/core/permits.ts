/** How fast permits come back, and how many may wait. */
export interface Rate {
  /** Microseconds between two permits in the long run. */
  readonly intervalUs: number;
  /** Permits that may be taken at once by somebody who took none for a while. */
  readonly burst: number;
}

export interface PermitLease {
  /** From 0 to what was asked for. */
  readonly granted: number;
  /** When nothing was granted: how long until one permit is free, in microseconds. */
  readonly waitUs: number;
}

/**
 * Counts permits for all processes. The rule is the generic cell rate algorithm: of each name one number is kept, the
 * time up to which permits are given away.
 */
export interface PermitStore {
  /**
   * Takes up to `count` permits in one atomic step.
   *
   * @param count - at most `rate.burst`
   * @param nowUs - epoch microseconds by the caller's clock
   */
  lease(name: string, count: number, rate: Rate, nowUs: number): Promise<PermitLease>;
  /** Forgets names of which every permit has come back. @returns how many */
  deleteFull(nowUs: number): Promise<number>;
}
