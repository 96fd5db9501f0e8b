/** Every scope of the catalog server, in the words that the consent page shows. */
export const CATALOG_SCOPES = {
  'catalog:read': 'Search the catalog and read its courses',
  'learner:read': 'Read your profile, goals and learning history',
  'learner:write': 'Change your goals and preferences',
  'enrollment:write': 'Enroll you in courses',
} as const;

/** The same words on pages in other languages. */
export const SCOPE_TRANSLATIONS = {
  de: {
    'catalog:read': 'Den Katalog durchsuchen und seine Kurse lesen',
    'learner:read': 'Ihr Profil, Ihre Ziele und Ihren Lernverlauf lesen',
    'learner:write': 'Ihre Ziele und Vorlieben ändern',
    'enrollment:write': 'Sie in Kurse einschreiben',
  },
} as const;

/** What a client gets that asks for nothing, and what the metadata advertises: reading. The rest is a step up. */
export const DEFAULT_SCOPES: readonly string[] = ['catalog:read', 'learner:read'];
