import { readFile } from 'node:fs/promises';
import { SourceMap, createRequire, isBuiltin } from 'node:module';
import { dirname, extname, isAbsolute, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Esbuild from 'esbuild';
import { BundlerMissingError, ToolFileError } from './errors.js';
import { fingerprint } from './fingerprint.js';

/** One tool file with its helpers, as a script. */
export interface Bundle {
  readonly code: string;
  readonly map: SourceMap;
  /** The namespaces of the packages that the script uses, by the number it knows them by. */
  readonly packages: readonly unknown[];
  /** The local files that went in, absolute. */
  readonly inputs: readonly string[];
}

/** @param inputs - filled with the local files that are read, by absolute path, and the fingerprint of what was in them */
export type Bundler = (entry: string, inputs: Map<string, string | undefined>) => Promise<Bundle>;

const OUTPUT = 'out.js';
const TOOLKIT = 'catalog-mcp/server';
const PACKAGE_NAMESPACE = 'package';
const LOADERS: Readonly<Record<string, Esbuild.Loader>> = {
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.json': 'json',
};

/**
 * Bundles tool files: local imports are followed, packages are not; they are the process's own, so that a reloaded tool
 * finds the very instances that the rest of the server works with.
 *
 * @throws {BundlerMissingError}
 */
export async function createBundler(): Promise<Bundler> {
  const esbuild = await loadEsbuild();
  return async (entry, inputs) => {
    const packages: unknown[] = [];
    const result = await runBuild(esbuild, entry, [processPackages(packages), localFiles(inputs)]);
    const [code, map] = ['.js', '.js.map'].map(
      (end) => result.outputFiles.find((file) => file.path.endsWith(end))?.text ?? '',
    );
    return {
      code: code ?? '',
      map: new SourceMap(JSON.parse(map ?? '{}') as never),
      packages,
      inputs: [...inputs.keys()],
    };
  };
}

async function loadEsbuild(): Promise<typeof Esbuild> {
  try {
    return await import('esbuild');
  } catch (error) {
    throw new BundlerMissingError({ cause: error });
  }
}

async function runBuild(
  esbuild: typeof Esbuild,
  entry: string,
  plugins: Esbuild.Plugin[],
): Promise<Esbuild.BuildResult<{ write: false }>> {
  try {
    return await esbuild.build({
      // The exports are handed out by hand: the output is a script, so that its code can be collected.
      stdin: {
        contents: `import * as exported from ${JSON.stringify(entry)};\n__reload.exports = { ...exported };`,
        resolveDir: dirname(entry),
        sourcefile: '<entry>',
      },
      bundle: true,
      write: false,
      sourcemap: 'external',
      logLevel: 'silent',
      platform: 'node',
      format: 'esm',
      target: 'node20.19',
      keepNames: true,
      outfile: OUTPUT,
      plugins,
    });
  } catch (error) {
    throw toFileError(error, entry);
  }
}

function toFileError(error: unknown, entry: string): unknown {
  const first = (error as Partial<Esbuild.BuildFailure>).errors?.[0];
  if (first === undefined) return error;
  const { location, text } = first;
  const shown = location === null ? '' : `\n  ${location.line} | ${location.lineText.trim()}`;
  return new ToolFileError(
    {
      file: location === null ? entry : resolve(location.file),
      line: location?.line,
      column: location === null ? undefined : location.column + 1,
      message: `${text}${shown}\n  Mend the file and save it.`,
    },
    { cause: error },
  );
}

/** Lets the script use the packages of this process: each is imported here, and handed to it. */
function processPackages(packages: unknown[]): Esbuild.Plugin {
  const known = new Map<string, number>();
  const keep = (path: string, exported: unknown): number => {
    packages.push(exported);
    known.set(path, packages.length - 1);
    return packages.length - 1;
  };
  return {
    name: 'process-packages',
    setup(build) {
      build.onResolve({ filter: /^[^./#]/ }, async (args) => {
        if (args.pluginData === IS_OUR_OWN || isAbsolute(args.path)) return undefined;
        const { kind, importer, path } = args;
        const isRequired = kind === 'require-call' || kind === 'require-resolve';
        const found = await locate(build, args);
        if (typeof found !== 'string') return found;
        if (kind === 'dynamic-import') return { path: found, external: true };
        const key = `${isRequired ? 'require' : 'import'} ${found}`;
        if (!known.has(key)) {
          try {
            keep(
              key,
              isRequired ? createRequire(importer)(path) : await importPackage(path, found),
            );
          } catch (error) {
            const reason = error instanceof Error ? error.message : String(error);
            return {
              errors: [{ text: `the package ${JSON.stringify(path)} cannot be loaded: ${reason}` }],
            };
          }
        }
        return { path: key, namespace: PACKAGE_NAMESPACE, pluginData: known.get(key) };
      });
      build.onLoad({ filter: /.*/, namespace: PACKAGE_NAMESPACE }, ({ path, pluginData }) => {
        const index = pluginData as number;
        if (path.startsWith('require ')) {
          return { contents: `module.exports = __reload.packages[${index}];` };
        }
        const names = Object.keys(packages[index] as object).map((name) => JSON.stringify(name));
        const taken = names.map((name, at) => `${name}: x${at}`).join(', ');
        const given = names.map((name, at) => `x${at} as ${name}`).join(', ');
        return {
          contents: `const { ${taken} } = __reload.packages[${index}];\nexport { ${given} };`,
        };
      });
    },
  };
}

const IS_OUR_OWN = Symbol('resolved by us');

/** @returns where the package is, as this process would import it; or what esbuild has to be told */
async function locate(
  build: Esbuild.PluginBuild,
  { path, kind, importer, resolveDir, namespace }: Esbuild.OnResolveArgs,
): Promise<string | Esbuild.OnResolveResult> {
  if (isBuiltin(path)) return path;
  const found = await build.resolve(path, {
    kind,
    importer,
    resolveDir,
    namespace,
    pluginData: IS_OUR_OWN,
  });
  if (found.errors.length > 0) {
    const text = `the package ${JSON.stringify(path)} is not installed here: run "npm install ${packageNameOf(path)}" beside the file`;
    return { errors: [{ text }] };
  }
  // Ours is the toolkit that runs, wherever its files are.
  if (path === TOOLKIT) return TOOLKIT;
  const isPackage = found.path.split(sep).includes('node_modules');
  // A path alias, or a package of the same workspace: its sources are followed like any other file of the project.
  return isPackage ? pathToFileURL(found.path).href : { path: found.path };
}

async function importPackage(path: string, found: string): Promise<unknown> {
  return path === TOOLKIT ? import('../index.js') : import(found);
}

function packageNameOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/**
 * Reads the local files, and notes what was read. In a script there is no `import.meta`: each file gets its own, on its
 * first line so that the others keep their numbers.
 */
function localFiles(inputs: Map<string, string | undefined>): Esbuild.Plugin {
  return {
    name: 'local-files',
    setup(build) {
      build.onLoad({ filter: /.*/, namespace: 'file' }, async ({ path }) => {
        const loader = LOADERS[extname(path)];
        const source = await readFile(path, 'utf8').catch(() => undefined);
        inputs.set(path, source === undefined ? undefined : fingerprint(source));
        if (source === undefined || loader === undefined) return undefined;
        const found = { loader, resolveDir: dirname(path) };
        if (loader === 'json' || !source.includes('import.meta')) {
          return { ...found, contents: source };
        }
        const meta = { url: pathToFileURL(path).href, filename: path, dirname: dirname(path) };
        const code = source.replace(/^#!.*/, '').replaceAll(/\bimport\.meta\b/g, '__importMeta');
        return { ...found, contents: `const __importMeta = ${JSON.stringify(meta)};${code}` };
      });
    },
  };
}

/** Where a place of the script is in the sources; undefined for what no source has. */
export function originOf(
  bundle: Pick<Bundle, 'map'>,
  line: number,
  column: number,
): { readonly file: string; readonly line: number; readonly column: number } | undefined {
  const entry = bundle.map.findEntry(line - 1, column - 1);
  if (!('originalSource' in entry) || entry.originalSource.startsWith('<')) return undefined;
  const { originalSource, originalLine, originalColumn } = entry;
  const file = originalSource.startsWith('file:')
    ? fileURLToPath(originalSource)
    : resolve(originalSource);
  return { file, line: originalLine + 1, column: originalColumn + 1 };
}
