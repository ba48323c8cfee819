import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { packageFile } from './files.ts';

/** The functions of the native addon. Throws what its loader throws, one error per place that was tried, each the cause of the next. */
export function openAddon(): object {
  return createRequire(import.meta.url)(packageFile('binding.cjs')) as object;
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
