const names = new Intl.DisplayNames('en', { type: 'language' });

/** The English name of a language tag; the tag itself when it has none or is not a tag. */
export function languageName(tag: string): string {
  try {
    return names.of(tag) ?? tag;
  } catch {
    return tag;
  }
}
