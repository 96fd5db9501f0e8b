import { join } from 'node:path';
import type { AuthorizationUser, AuthorizationUserStore } from '../../authorization/ports.js';
import { seedSampleCatalog } from '../../catalog/index.js';
import { LOCAL_ISSUER } from '../../server/core/principal.js';
import { createApiKey } from '../../server/core/api-key.js';
import type { ApiKeyStore } from '../../server/core/ports.js';
import { nowSeconds, systemClock } from '../../shared/clock.js';
import type { Stores } from '../../storage/index.js';
import { packageRoot } from '../package-root.js';
import type { ServerConfig } from './config.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { CATALOG_SCOPES } from './scopes.js';

const DEMO_KEY_NAME = 'demo';
/** Whom the demo key acts as, when nobody says otherwise: the person in the README's examples. */
const DEMO_LEARNER = 'demo-nora';
const DEMO_KEY_TTL_SECONDS = 24 * 3600;

/**
 * Puts the sample catalog and the demo people in, where there is nothing yet. Only on loopback: a server that others
 * can reach starts empty.
 */
export async function seedSample(
  storage: Stores,
  config: Pick<ServerConfig, 'publicUrl'>,
): Promise<void> {
  if (!isLoopbackUrl(config.publicUrl)) return;
  const { users } = storage.authorization;
  if ((await users.list(1)).length > 0) return;
  const { learners } = await seedSampleCatalog(storage.catalog, {
    dataFolder: join(packageRoot(), 'data'),
    clock: systemClock,
  });
  for (const learner of learners) {
    await users.upsert({
      id: learner.subject,
      displayName: learner.displayName,
      tenant: learner.tenant,
      scopes: Object.keys(CATALOG_SCOPES),
      isDisabled: false,
    });
  }
}

/** The person a key acts as when nobody is named. */
export async function defaultPerson(
  users: AuthorizationUserStore,
): Promise<AuthorizationUser | undefined> {
  return (await users.find(DEMO_LEARNER)) ?? (await users.list(1))[0];
}

/** A new demo API key; the one of the start before ends. */
export async function mintDemoKey(
  keys: ApiKeyStore,
  user: AuthorizationUser,
): Promise<{ key: string; learner: string }> {
  await keys.revokeByName(DEMO_KEY_NAME, nowSeconds(systemClock));
  const { key } = await createApiKey(
    keys,
    {
      name: DEMO_KEY_NAME,
      issuer: LOCAL_ISSUER,
      subject: user.id,
      tenant: user.tenant,
      scopes: user.scopes,
      ttlSeconds: DEMO_KEY_TTL_SECONDS,
    },
    systemClock,
  );
  return { key, learner: user.id };
}
