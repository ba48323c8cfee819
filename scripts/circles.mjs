// Circles between source files, for check-arrows.mjs: what each file uses of others, and the groups of files in which each
// reaches each.
import { dirname, posix } from 'node:path';

/**
 * @typedef {{path: string, module: string[], uses: import('./rust-paths.mjs').Use[], words: Set<string>}} RustFile
 * @typedef {{to: string, line: number, type?: boolean}} Arrow `type`: of types alone
 * @typedef {Map<string, Arrow[]>} Arrows by the file that they start from
 */

/**
 * Where paths lead. Neither `mod x;` nor a `pub use` of what the file itself does not name is an arrow: both only say
 * where something is found. A path through such a `pub use` leads to the file behind it.
 * @returns {Arrows}
 */
export function rustArrows(/** @type {RustFile[]} */ files) {
  const byModule = new Map(files.map((file) => [file.module.join('::'), file]));
  /** Names that a file has from elsewhere. @type {Map<RustFile, Map<string, string[]>>} */
  const imports = new Map();

  const absolute = (/** @type {RustFile} */ file, /** @type {string[]} */ segments) => {
    if (segments[0] === 'crate') return segments.slice(1);
    const child = [...file.module, segments[0] ?? ''];
    return byModule.has(child.join('::')) ? [...file.module, ...segments] : undefined;
  };
  for (const file of files) {
    const names = new Map();
    for (const { segments, imported } of file.uses) {
      const path = absolute(file, segments);
      if (imported && path) names.set(path.at(-1), path);
    }
    imports.set(file, names);
  }

  /** @returns {RustFile | undefined} */
  const target = (/** @type {string[]} */ path, depth = 0) => {
    for (let length = path.length; length >= 0; length--) {
      const file = byModule.get(path.slice(0, length).join('::'));
      if (!file) continue;
      const behind = imports.get(file)?.get(path[length] ?? '');
      return behind && depth < 8 ? target([...behind, ...path.slice(length + 1)], depth + 1) : file;
    }
    return undefined;
  };

  return new Map(
    files.map((file) => [
      file.path,
      file.uses.flatMap(({ segments, line, exported }) => {
        const path = absolute(file, segments);
        if (!path || (exported && !file.words.has(path.at(-1) ?? ''))) return [];
        const to = target(path)?.path;
        return to && to !== file.path ? [{ to, line }] : [];
      }),
    ]),
  );
}

/** Where imports and re-exports lead. @returns {Arrows} */
export function typescriptArrows(/** @type {{path: string, text: string}[]} */ files) {
  const known = new Set(files.map(({ path }) => path));
  const specifier = /(?:\bfrom\s*|\bimport\s*\(?\s*)'(\.[^']*)'/g;
  /** What comes before `from`, back to its keyword. */
  const ofTypes = /\b(?:import|export)\s+type\b[^;']*$/;
  return new Map(
    files.map(({ path, text }) => [
      path,
      [...text.matchAll(specifier)].flatMap(({ 1: name = '', index }) => {
        const to = posix.join(dirname(path), name);
        if (!known.has(to) || to === path) return [];
        const before = text.slice(0, index);
        const statement = before.slice(Math.max(before.lastIndexOf(';'), 0));
        return [{ to, line: before.split('\n').length, type: ofTypes.test(statement) }];
      }),
    ]),
  );
}

/**
 * One shortest circle for every group of files in which each reaches each.
 * @returns {{files: string[], circle: {from: string, line: number}[]}[]}
 */
export function circles(/** @type {Arrows} */ arrows) {
  /** Files on the way back to the start, by breadth. @returns {Map<string, {from: string, line: number}>} */
  const reach = (/** @type {string} */ start) => {
    /** @type {Map<string, {from: string, line: number}>} */
    const reached = new Map();
    const queue = [start];
    for (let from = queue.shift(); from !== undefined; from = queue.shift()) {
      for (const { to, line } of arrows.get(from) ?? []) {
        if (reached.has(to)) continue;
        reached.set(to, { from, line });
        queue.push(to);
      }
    }
    return reached;
  };
  const reached = new Map([...arrows.keys()].map((file) => [file, reach(file)]));
  const done = new Set();
  const found = [];
  for (const [start, way] of [...reached].sort(([a], [b]) => a.localeCompare(b))) {
    if (done.has(start) || !way.has(start)) continue;
    const files = [...way.keys()].filter((file) => reached.get(file)?.has(start)).sort();
    for (const file of files) done.add(file);
    const circle = [];
    let at = start;
    do {
      const step = /** @type {{from: string, line: number}} */ (way.get(at));
      circle.unshift(step);
      at = step.from;
    } while (at !== start);
    found.push({ files, circle });
  }
  return found;
}
