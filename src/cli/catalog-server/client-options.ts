import type { AuthorizationServerOptions } from '../../authorization/index.js';
import type { CliIo } from '../io.js';
import { readJsonSetting } from './json-setting.js';
import { ConfigurationError } from './parse-setting.js';
import type { RegistrationConfig } from './registration-settings.js';

/**
 * Which clients the authorization server takes, and by which grants, as the settings and the file about clients say.
 *
 * @throws {ConfigurationError} naming the file, the field and what would work
 */
export async function clientOptionsOf(
  config: RegistrationConfig,
  env: CliIo['env'],
): Promise<
  Pick<AuthorizationServerOptions, 'clients' | 'registration' | 'grants' | 'signingAlgorithms'>
> {
  const { clients, enterpriseIssuers, workloadIssuers } = await loadClients(config.clients, env);
  return {
    clients,
    registration: {
      isEnabled: config.hasDynamic,
      allowsPrivateUseSchemes: config.allowsAppSchemes,
      documents: {
        isEnabled: config.hasDocuments,
        dangerouslyAllowLoopback: config.allowsLocalDocuments,
        ...(config.documentHosts === undefined ? {} : { hosts: config.documentHosts }),
      },
    },
    grants: {
      device: config.hasDeviceSignIn,
      ...(enterpriseIssuers.length === 0
        ? {}
        : { identityAssertions: { issuers: enterpriseIssuers } }),
      ...(workloadIssuers.length === 0 ? {} : { workloads: { issuers: workloadIssuers } }),
    },
    signingAlgorithms: [config.tokenAlgorithm],
  };
}

async function loadClients(setting: string | undefined, env: CliIo['env']) {
  if (setting === undefined) return { clients: [], enterpriseIssuers: [], workloadIssuers: [] };
  const { parseClients } = await import('../../authorization/index.js');
  const names = { flag: '--clients', variable: 'CATALOG_CLIENTS' };
  const { value, readSecret, place } = readJsonSetting(setting, names, env);
  const parsed = parseClients(value, readSecret);
  if (!parsed.ok) throw new ConfigurationError(`${place}: ${parsed.error}`);
  return parsed.value;
}
