import type { JWTVerifyGetKey } from 'jose';
import type { PersonProfile } from '../ports.js';

/** A token of an upstream API, for a person. */
export interface UpstreamToken {
  readonly accessToken: string;
  /** Default `Bearer`. */
  readonly tokenType?: string;
  readonly scopes?: readonly string[];
  /** Epoch seconds; undefined: the upstream did not say. */
  readonly expiresAt?: number;
}

/** Hands out what upstreams gave us for a person; refreshes it where that is needed. */
export interface UpstreamTokenSource {
  /**
   * @param request.audience - which upstream, by the name it is configured under; undefined: the only one
   * @returns undefined when there is none for this person
   */
  find(request: {
    readonly userId: string;
    readonly audience: string | undefined;
  }): Promise<UpstreamToken | undefined>;
}

/** An issuer of assertions that is trusted, with its keys. */
export interface TrustedAssertionIssuer {
  /** Compared exactly with `iss`. */
  readonly issuer: string;
  /** Where its keys are. Default: what its metadata says. */
  readonly jwksUri?: string;
  /** Its keys, in place of fetching them. */
  readonly keys?: JWTVerifyGetKey;
}

/** The identity provider of an enterprise that decides for its people (ID-JAG). */
export interface EnterpriseIssuer extends TrustedAssertionIssuer {
  /** Our clients that it may speak for. Default: every one that may use the grant. */
  readonly clientIds?: readonly string[];
  /**
   * Makes a person of somebody who was never here. Default: only people who are known by this issuer and subject get
   * in. Never match by e-mail.
   */
  readonly admit?: (
    claims: Readonly<Record<string, unknown>>,
  ) => PersonProfile | undefined | Promise<PersonProfile | undefined>;
}

/** A platform that gives its workloads identities (Kubernetes, a CI service, a cloud). */
export interface WorkloadIssuer extends TrustedAssertionIssuer {
  /** Which workload acts as which of the operator's clients. */
  readonly workloads: readonly {
    /** Compared exactly with `sub`. */
    readonly subject: string;
    readonly clientId: string;
  }[];
}

export interface GrantOptions {
  /** Sign-in of devices by a code (RFC 8628). Default true. */
  readonly device?: boolean;
  /** Clients that act for themselves; only those of the operator can. Default true. */
  readonly clientCredentials?: boolean;
  /** Turns token exchange (RFC 8693) on, for confidential resource servers. */
  readonly upstreamTokens?: UpstreamTokenSource;
  /** Turns enterprise-managed authorization on. */
  readonly identityAssertions?: { readonly issuers: readonly EnterpriseIssuer[] };
  /** Turns sign-in of workloads by the identity of their platform on. */
  readonly workloads?: { readonly issuers: readonly WorkloadIssuer[] };
}
