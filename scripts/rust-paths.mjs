// The paths that a Rust source file names, for check-arrows.mjs: `use` trees taken apart, `super` and `self` resolved,
// comments, strings and test code left out.

/**
 * @typedef {{segments: string[], line: number, imported: boolean, exported: boolean}} Use a path; `crate::...` for what lies
 *   in this crate. `imported`: by `use`; `exported`: by `pub use`
 * @typedef {{text: string, line: number}} Token
 */

/**
 * @param {{path: string, text: string}} source
 * @returns {{module: string[], uses: Use[], testModules: string[], words: Set<string>}} `testModules`: modules declared under
 *   cfg(test); `words`: the first word of everything that is named outside of `use`
 */
export function rustPaths({ path, text }) {
  const module = path
    .replace(/^src\//, '')
    .replace(/(^|\/)(mod|lib)?\.rs$|\.rs$/, '')
    .split('/')
    .filter((name) => name !== '');
  const tokens = tokenise(text);
  /** @type {Use[]} */
  const uses = [];
  /** @type {string[]} */
  const testModules = [];
  /** @type {Set<string>} */
  const words = new Set();
  /** Inline modules around the current token, with the depth of braces at which each ends. @type {{name: string, depth: number}[]} */
  const inline = [];
  let depth = 0;
  for (let at = 0; at < tokens.length; ) {
    const { text: token, line } = /** @type {Token} */ (tokens[at]);
    const here = [...module, ...inline.map(({ name }) => name)];
    if (token.startsWith('#[')) {
      at++;
      if (!/\bcfg\((test|all\(.*\btest\b)/.test(token)) continue;
      const end = itemEnd(tokens, at);
      const words = tokens.slice(at, end).map((t) => t.text);
      const mod = words.indexOf('mod');
      if (mod >= 0 && words[mod + 2] === ';') testModules.push([...here, words[mod + 1]].join('::'));
      at = end;
    } else if (token === 'mod' && tokens[at + 2]?.text === '{') {
      inline.push({ name: tokens[at + 1]?.text ?? '', depth });
      depth++;
      at += 3;
    } else if (token === '{' || token === '}') {
      depth += token === '{' ? 1 : -1;
      if (inline.at(-1)?.depth === depth && token === '}') inline.pop();
      at++;
    } else if (/^\w/.test(token) && (tokens[at + 1]?.text === '::' || tokens[at - 1]?.text === 'use')) {
      const tree = pathTree(tokens, at);
      const imported = tokens[at - 1]?.text === 'use';
      const exported = imported && ['pub', ')'].includes(tokens[at - 2]?.text ?? '');
      for (const segments of tree.paths)
        uses.push({ segments: resolve(segments, here), line, imported, exported });
      if (!imported) words.add(token);
      at = tree.end;
    } else {
      words.add(token);
      at++;
    }
  }
  return { module, uses, testModules, words };
}

/** @returns {Token[]} words, `::`, attributes as one token each, and single marks */
function tokenise(/** @type {string} */ text) {
  const pattern =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\bb?r(#*)"[\s\S]*?"\1|b?"(?:\\[\s\S]|[^"\\])*"|b?'(?:\\.[^']*|[^'\\])'|#!?\[(?:[^[\]]|\[[^\]]*\])*\]|::|\w+|\S|\n/g;
  /** @type {Token[]} */
  const tokens = [];
  let line = 1;
  for (const [match] of text.matchAll(pattern)) {
    if (/^(::|\w+|#!?\[[\s\S]*\]|[^\s\w'"/])$/.test(match)) tokens.push({ text: match, line });
    line += match.split('\n').length - 1;
  }
  return tokens;
}

/** Index behind the item that starts here: after its `;`, after the brace of its body, or at the end of what it is in. */
function itemEnd(/** @type {Token[]} */ tokens, /** @type {number} */ from) {
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at]?.text ?? '';
    if ('({['.includes(token)) depth++;
    if (')}]'.includes(token)) depth--;
    if (depth < 0) return at;
    if (depth === 0 && (token === ';' || (token === '}' && tokens[at + 1]?.text !== ';'))) return at + 1;
  }
  return tokens.length;
}

/**
 * Takes `a::b` or `a::{b, c::d}` apart. @returns {{paths: string[][], end: number}}
 */
function pathTree(/** @type {Token[]} */ tokens, /** @type {number} */ from) {
  /** @type {string[]} */
  const prefix = [];
  let at = from;
  while (/^\w/.test(tokens[at]?.text ?? '')) {
    prefix.push(tokens[at]?.text ?? '');
    at++;
    if (tokens[at]?.text !== '::') return { paths: [prefix], end: at };
    at++;
  }
  if (tokens[at]?.text !== '{') return { paths: [prefix], end: at };
  /** @type {string[][]} */
  const paths = [];
  at++;
  while (at < tokens.length && tokens[at]?.text !== '}') {
    const branch = pathTree(tokens, at);
    for (const path of branch.paths) paths.push([...prefix, ...path]);
    at = Math.max(branch.end, at);
    while (at < tokens.length && !['}', ','].includes(tokens[at]?.text ?? '')) at++;
    if (tokens[at]?.text === ',') at++;
  }
  return { paths, end: at + 1 };
}

/** `self` and `super` as paths from the crate's root. */
function resolve(/** @type {string[]} */ segments, /** @type {string[]} */ module) {
  if (segments[0] !== 'self' && segments[0] !== 'super') return segments;
  const rest = segments[0] === 'self' ? segments.slice(1) : segments;
  const up = rest.findIndex((name) => name !== 'super');
  const levels = up < 0 ? rest.length : up;
  return ['crate', ...module.slice(0, Math.max(0, module.length - levels)), ...rest.slice(levels)];
}
