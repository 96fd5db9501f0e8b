#!/usr/bin/env node
// Launcher: `node server.js --transport=stdio|http`. Over stdio the small bundle is loaded, which starts in a fraction
// of the time because nothing of HTTP or OAuth is in it.
const stdio =
  process.argv.some(
    (arg, at, all) =>
      arg === '--transport=stdio' || (arg === 'stdio' && all[at - 1] === '--transport'),
  ) ||
  (process.env['CATALOG_TRANSPORT'] === 'stdio' &&
    !process.argv.some((arg) => arg.startsWith('--transport')));

// Tools from files are for the larger entry, which has what loads them.
const isPlain = !(
  process.argv.some((arg) => arg.startsWith('--tools') || arg.startsWith('--watch')) ||
  process.env['CATALOG_TOOLS'] !== undefined ||
  process.env['CATALOG_WATCH'] !== undefined
);

try {
  await import(stdio && isPlain ? './dist/bin/catalog-stdio.js' : './dist/bin/catalog-server.js');
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.message).includes('/dist/bin/'))
    throw error;
  process.stderr.write('dist/ is missing: run "npm run build" first (npm ci does it)\n');
  process.exitCode = 1;
}
