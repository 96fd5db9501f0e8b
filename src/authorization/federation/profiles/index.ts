import type { ProviderProfile } from '../profile.js';
import { entra, entraV1 } from './entra.js';
import {
  auth0,
  authentik,
  cognito,
  google,
  keycloak,
  okta,
  openid,
  salesforce,
  slack,
} from './openid.js';
import { github, notion } from './plain-oauth.js';

export const PROFILE_NAMES = [
  'openid',
  'google',
  'github',
  'entra',
  'entra-v1',
  'okta',
  'auth0',
  'keycloak',
  'authentik',
  'cognito',
  'salesforce',
  'slack',
  'notion',
] as const;

export type ProfileName = (typeof PROFILE_NAMES)[number];

/** Every kind of identity provider that is known by name. */
export const PROFILES: Readonly<Record<ProfileName, ProviderProfile>> = {
  openid: openid,
  google: google,
  github: github,
  entra: entra,
  'entra-v1': entraV1,
  okta: okta,
  auth0: auth0,
  keycloak: keycloak,
  authentik: authentik,
  cognito: cognito,
  salesforce: salesforce,
  slack: slack,
  notion: notion,
};
