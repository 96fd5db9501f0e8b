// Writes the generated parts of README.md and docs/settings.md (between `<!-- NAME -->` and `<!-- /NAME -->`) from the
// built code.
// `node scripts/docs.mjs` writes, `node scripts/docs.mjs --check` only compares and exits 1 when they differ.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SETTINGS } from '../dist/cli/catalog-server/config.js';
import { SECRET_SETTINGS } from '../dist/cli/catalog-server/secret-settings.js';
import { createCatalog } from '../dist/catalog/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const cell = (text) => String(text).replaceAll('|', '\\|');
const row = (...cells) => `| ${cells.map(cell).join(' | ')} |`;

/** What most people need; the whole table has a page of its own. */
const COMMON =
  'transport role port publicUrl issuer signIn idp data database tools upstreams adminPort masterSecret apiKey'.split(
    ' ',
  );

function settings(isShown) {
  const valuesOf = (table) =>
    Object.entries(table)
      .filter(([name]) => isShown(name))
      .map(([, setting]) => setting);
  const rows = valuesOf(SETTINGS).map((setting) => {
    const flag = `\`${setting.flags.replace(/ .*/, '')}\``;
    const choices = setting.choices === undefined ? '' : ` (${setting.choices.join(', ')})`;
    const value = setting.defaultText ?? setting.default ?? 'none';
    return row(flag, `\`${setting.env}\``, value, setting.description + choices);
  });
  const secrets = valuesOf(SECRET_SETTINGS).map((setting) =>
    row('', `\`${setting.env}\``, setting.defaultText, setting.description),
  );
  return [
    '| flag | environment | default | meaning |',
    '|---|---|---|---|',
    ...rows,
    ...secrets,
  ].join('\n');
}

function tools() {
  const catalog = createCatalog({
    store: {},
    clock: { nowMs: () => 0 },
    cursorSecret: Buffer.alloc(32),
  });
  const names = (schema, direction) => {
    const document = schema['~standard'].jsonSchema[direction]({ target: 'draft-2020-12' });
    const required = document.required ?? [];
    return Object.keys(document.properties ?? {})
      .map((name) => (required.includes(name) ? `**${name}**` : name))
      .join(', ');
  };
  const rows = catalog.tools.map((tool) =>
    row(
      `\`${tool.name}\``,
      tool.scopes.map((scope) => `\`${scope}\``).join(' '),
      names(tool.input, 'input'),
      Object.keys(
        tool.output['~standard'].jsonSchema.output({ target: 'draft-2020-12' }).properties ?? {},
      ).join(', '),
    ),
  );
  return ['| tool | scopes | input (**required**) | output |', '|---|---|---|---|', ...rows].join(
    '\n',
  );
}

function help(name) {
  const text = execFileSync(process.execPath, [`${root}dist/bin/${name}.js`, '--help'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, COLUMNS: '100' },
  });
  return `\`\`\`text\n${text.trim()}\n\`\`\``;
}

const documents = {
  'README.md': {
    settings: settings((name) => COMMON.includes(name)),
    tools: tools(),
    'client-help': help('catalog-client'),
    'agent-help': help('catalog-agent'),
  },
  'docs/settings.md': { settings: settings(() => true) },
};

for (const [name, parts] of Object.entries(documents)) {
  const before = readFileSync(`${root}${name}`, 'utf8');
  let after = before;
  for (const [part, text] of Object.entries(parts)) {
    const pattern = new RegExp(`(<!-- ${part} -->\\n)[\\s\\S]*?(<!-- /${part} -->)`);
    if (!pattern.test(after)) throw new Error(`${name} has no place for "${part}"`);
    after = after.replace(pattern, (_all, start, end) => `${start}${text}\n${end}`);
  }
  if (!process.argv.includes('--check')) {
    writeFileSync(`${root}${name}`, after);
  } else if (after !== before) {
    process.stderr.write(`${name} differs from the code: run "npm run docs"\n`);
    process.exitCode = 1;
  }
}
