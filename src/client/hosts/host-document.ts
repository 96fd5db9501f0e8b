import { type JsonObject, isJsonObject } from '../../shared/json.js';
import { HostConfigError } from './errors.js';
import { HOST_PROFILES, type Host } from './host-profiles.js';
import { parseJsonc, setJsoncValue } from './jsonc-edit.js';
import { parseToml, setTomlTable } from './toml-edit.js';

/**
 * The servers that a configuration file names.
 *
 * @throws {HostConfigError} when the text is not valid: line and column
 */
export function readHostEntries(
  host: Host,
  text: string | undefined,
): Readonly<Record<string, unknown>> {
  const { format, section } = HOST_PROFILES[host];
  const root = text === undefined ? {} : format === 'toml' ? parseToml(text) : parseJsonc(text);
  const entries = isJsonObject(root) && Object.hasOwn(root, section) ? root[section] : {};
  return isJsonObject(entries) ? entries : {};
}

/** The text with one server's entry set, and nothing else changed. */
export function setHostEntry(
  host: Host,
  text: string | undefined,
  name: string,
  entry: JsonObject,
): string {
  const { format, section } = HOST_PROFILES[host];
  return format === 'toml'
    ? setTomlTable(text ?? '', section, name, entry)
    : setJsoncValue(text ?? '', [section, name], entry);
}

/** The text with single properties of one server's entry set: comments inside of it stay, where the format lets them. */
export function patchHostEntry(
  host: Host,
  text: string,
  name: string,
  changes: JsonObject,
): string {
  const { format, section } = HOST_PROFILES[host];
  if (format === 'toml') {
    const entry = readHostEntries(host, text)[name];
    if (!isJsonObject(entry))
      throw new HostConfigError(`there is no entry ${JSON.stringify(name)}`);
    return setTomlTable(text, section, name, { ...entry, ...changes });
  }
  return Object.entries(changes).reduce(
    (edited, [property, value]) => setJsoncValue(edited, [section, name, property], value),
    text,
  );
}
