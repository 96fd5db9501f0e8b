/** Every scope of the catalog server, in the words that the consent page shows. */
export const CATALOG_SCOPES = {
  'catalog:read': 'Search the catalog and read its courses',
  'learner:read': 'Read your profile, goals and learning history',
  'learner:write': 'Change your goals and preferences',
  'enrollment:write': 'Enroll you in courses',
} as const;

/** What a client gets that asks for nothing, and what the metadata advertises: reading. The rest is a step up. */
export const DEFAULT_SCOPES: readonly string[] = ['catalog:read', 'learner:read'];
