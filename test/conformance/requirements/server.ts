import type { Requirement } from './requirement.js';
import { httpRequirements } from './http.js';
import { legacyRequirements } from './legacy.js';
import { modernRequestRequirements } from './modern-requests.js';
import { modernResultRequirements } from './modern-results.js';
import { resourceServerRequirements } from './resource-server.js';
import { securityRequirements } from './security.js';
import { stdioRequirements } from './stdio.js';
import { streamRequirements } from './streams.js';

/** Everything that the specifications ask of a server of this toolkit. */
export const serverRequirements: readonly Requirement[] = [
  ...httpRequirements,
  ...modernRequestRequirements,
  ...modernResultRequirements,
  ...streamRequirements,
  ...legacyRequirements,
  ...stdioRequirements,
  ...resourceServerRequirements,
  ...securityRequirements,
];
