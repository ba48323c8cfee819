import { readdirSync, readFileSync } from 'node:fs';
import { packageFile } from './files.ts';

/** The functions of the native addon. Throws what its loader throws, one error per place that was tried, each the cause of the next. */
export function openAddon(): object {
  // not by an import: bundlers follow what it opens, and would fail with messages of their own
  const { createRequire } = process.getBuiltinModule('node:module');
  return createRequire(import.meta.url)(packageFile('binding.cjs')) as object;
}

/**
 * Whether this code lies in the folder of the package of this name, beside the addon. It does not where a bundler has copied it
 * into a file of another program.
 */
export function liesIn(name: string): boolean {
  try {
    return JSON.parse(readFileSync(packageFile('package.json'), 'utf8')).name === name;
  } catch {
    return false;
  }
}

/** The platform that an addon is looked for. */
export const platform: { readonly platform: string; readonly arch: string } = {
  platform: process.platform,
  arch: process.arch,
};

/** Platforms that this copy of the package has an addon for. */
export function shippedPlatforms(): string[] {
  try {
    return readdirSync(packageFile('.')).flatMap((file) => /^sona\.(.+)\.node$/.exec(file)?.[1] ?? []);
  } catch {
    return [];
  }
}
