import { de } from './texts/de.js';
import { type TextKey, en } from './texts/en.js';

/** A language that the pages speak. Adding one: a file in `texts/` and a line here. */
const LANGUAGES: Readonly<Record<Language, Readonly<Record<TextKey, string>>>> = { en, de };

export type Language = 'en' | 'de';

/** The texts of one page in one language. */
export interface PageTexts {
  readonly language: Language;
  /** The text with `{name}` filled in, still to be escaped (the `html` template does that). */
  readonly t: (key: TextKey, values?: Readonly<Record<string, string | number>>) => string;
}

const MAX_PREFERENCES = 20;

/**
 * Chooses the language of a page: the first known one of the client's `ui_locales`, else of the browser, by quality;
 * else English.
 *
 * @param wanted.uiLocales - space-separated language tags (OpenID Connect Core §3.1.2.1)
 * @param wanted.acceptLanguage - the request's header (RFC 9110 §12.5.4)
 */
export function chooseTexts(wanted: {
  readonly uiLocales?: unknown;
  readonly acceptLanguage?: string | undefined;
}): PageTexts {
  const { uiLocales, acceptLanguage = '' } = wanted;
  const asked = typeof uiLocales === 'string' ? uiLocales.split(' ') : [];
  const language =
    [...asked.slice(0, MAX_PREFERENCES), ...byQuality(acceptLanguage)]
      .map((tag) => tag.trim().toLowerCase().split('-', 1)[0] ?? '')
      .find(isLanguage) ?? 'en';
  return textsOf(language);
}

export function textsOf(language: Language): PageTexts {
  const texts: Readonly<Record<TextKey, string>> = LANGUAGES[language];
  return {
    language,
    t: (key, values = {}) =>
      texts[key].replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
        Object.hasOwn(values, name) ? String(values[name]) : whole,
      ),
  };
}

function isLanguage(tag: string): tag is Language {
  return Object.hasOwn(LANGUAGES, tag);
}

function byQuality(header: string): string[] {
  return header
    .split(',', MAX_PREFERENCES)
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';').map((text) => text.trim());
      const quality = parameters.find((parameter) => /^q=/i.test(parameter));
      return { tag, quality: quality === undefined ? 1 : Number(quality.slice(2)) };
    })
    .filter(({ tag, quality }) => tag !== '' && quality > 0)
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}
