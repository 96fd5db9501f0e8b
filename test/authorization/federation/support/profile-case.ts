import type { ProfileName } from '../../../../src/authorization/federation/profiles/index.js';
import type { AllowRule, UpstreamProvider } from '../../../../src/authorization/index.js';
import type { EmulatedNet } from './emulated-net.js';
import type { EmulatedOAuth } from './emulated-oauth.js';
import type { EmulatedOpenId } from './emulated-openid.js';

export type Emulated = EmulatedOpenId | EmulatedOAuth;

/** One profile, the provider it is for as documented, and what has to come of a sign-in. */
export interface ProfileCase {
  readonly profile: ProfileName;
  readonly start: (net: EmulatedNet) => Promise<Emulated>;
  readonly provider: Omit<UpstreamProvider, 'id' | 'profile' | 'clientId'>;
  /** Lets the person of the emulation in. */
  readonly allow: AllowRule;
  /** Name that pages show. */
  readonly displayName: string;
  /** `issuer subject` under which the person is kept. */
  readonly identity: readonly [string, string];
  /** Parameters that the browser has to be sent with, when tokens are kept. */
  readonly sends: Readonly<Record<string, string>>;
  /** Parameters that it must not be sent with. */
  readonly omits: readonly string[];
  /** Seconds after which kept tokens are refreshed; undefined: they do not end. */
  readonly lifetime: number | undefined;
  /** Where the way out leads, without its query; undefined: there is none. */
  readonly logout: string | undefined;
  /** Parameters of the way out. */
  readonly logoutSends?: readonly string[];
  readonly redirectsFromLogout?: boolean;
  /** Whether tokens can be given back. */
  readonly revokes: boolean;
}
