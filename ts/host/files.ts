import { existsSync } from 'node:fs';
import { lstat, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

let root: string | undefined;

/** Where a file of the package lies, named from its root: above the folder of the bundle, or of this file's. */
export function packageFile(name: string): string {
  const folder = (up: string) => fileURLToPath(new URL(up, import.meta.url));
  root ??= existsSync(folder('../host/files.ts')) ? folder('../..') : folder('..');
  return join(root, name);
}

/** Where a file of another package lies, as `package/file`: installed beside this one, or where the program was started. */
export function installedFile(name: string): string {
  const { createRequire } = process.getBuiltinModule('node:module');
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch {
    // a package manager may show this package nothing but what it depends on
    return createRequire(join(process.cwd(), 'package.json')).resolve(name);
  }
}

/** A path from the working directory on, in full. */
export function absolutePath(path: string): string {
  return resolve(path);
}

/** Writes a file beside the one that is there, and puts it in its place. */
export async function replaceFile(path: string, chunks: Iterable<string>): Promise<void> {
  // what a link leads to is replaced, not the link
  const known = await orMissing(realpath(path));
  if (!known && (await orMissing(lstat(path)))) throw new Error('a link that leads nowhere');
  const target = known ?? path;
  const old = await orMissing(stat(target));
  if (old && !old.isFile()) throw new Error('not a regular file');
  const temporary = join(dirname(target), `.sona-${crypto.randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      if (old) await file.chmod(old.mode);
      for (const chunk of chunks) await file.appendFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Undefined where there is no such file. */
async function orMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
