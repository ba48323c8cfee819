// Checks that the rooms of src/ and ts/ depend only on the rooms that ARCHITECTURE.md lets them see. The table is here.
//
//   node scripts/check-arrows.mjs              checks the sources
//   node scripts/check-arrows.mjs --self-test  checks that planted violations are found
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root } from './process.mjs';
import { rustPaths } from './rust-paths.mjs';

/** What every room may use. */
const everyone = ['config', 'error', 'fault', 'identity', 'state'];

/** What each room may use, besides itself. @type {Record<string, string[]>} */
const arrows = {
  napi: ['engine', 'router', 'offpolicy', 'embed', 'store', ...everyone],
  wasm: ['engine', 'router', 'offpolicy', 'embed', 'store', ...everyone],
  engine: ['learner', 'bank', 'store', 'adapter', 'trajectory', 'check', 'linear', ...everyone],
  router: ['check', 'linear', 'simd', 'store', ...everyone],
  offpolicy: ['check', 'linear', ...everyone],
  learner: ['adapter', 'bank', 'trajectory', 'linear', 'simd', ...everyone],
  adapter: ['linear', 'simd', ...everyone],
  bank: ['linear', 'simd', ...everyone],
  trajectory: ['check', 'simd', ...everyone],
  embed: ['linear', 'simd', ...everyone],
  linear: ['simd'],
  check: ['simd', 'error'],
  store: everyone,
  simd: everyone,
  state: ['error'],
  config: ['error'],
  error: [],
  fault: [],
  identity: [],
};

/** The host's things, and the rooms that may know them. Time and randomness are passed in everywhere else. */
const host = [
  { path: /^(std|core)::time\b/, rooms: ['engine', 'store', 'napi', 'wasm'] },
  { path: /^std::thread\b/, rooms: ['engine', 'store', 'napi'] },
  { path: /^std::fs\b/, rooms: ['engine', 'store', 'napi'] },
  { path: /^napi(_derive)?\b/, rooms: ['napi'] },
];

/** The only TypeScript file that may load the addon. */
const bindingImporter = 'ts/native.ts';

/** @typedef {{path: string, text: string}} Source */

/** @returns {string[]} one line per violation */
export function violations(/** @type {Source[]} */ sources) {
  const rust = sources.filter(({ path }) => path.startsWith('src/') && path.endsWith('.rs'));
  const parsed = rust.map((source) => ({ path: source.path, ...rustPaths(source) }));
  const tests = new Set(parsed.flatMap(({ testModules }) => testModules));
  const isTest = (/** @type {string[]} */ module) =>
    module.some((_, i) => tests.has(module.slice(0, i + 1).join('::')));

  // lib.rs re-exports: crate::SonaError is a way to write crate::error::SonaError.
  /** @type {Map<string, string>} */
  const exported = new Map();
  for (const { uses } of parsed.filter(({ path }) => path === 'src/lib.rs')) {
    for (const { segments } of uses) {
      const [first = '', ...others] = segments[0] === 'crate' ? segments.slice(1) : segments;
      if (first in arrows) exported.set(others.at(-1) ?? first, first);
    }
  }

  /** @type {string[]} */
  const found = [];
  for (const { path, module, uses } of parsed) {
    if (path === 'src/lib.rs' || isTest(module)) continue;
    const room = module[0] ?? '';
    const allowed = arrows[room];
    if (!allowed) {
      found.push(`${path}:1: the room ${room} is not in the table of scripts/check-arrows.mjs`);
      continue;
    }
    for (const { segments, line } of uses) {
      if (segments[0] === 'crate') {
        const name = segments[1] ?? '';
        const target = name in arrows ? name : exported.get(name);
        if (target === room) continue;
        if (!target) found.push(`${path}:${line}: crate::${name} belongs to no room`);
        else if (!allowed.includes(target)) found.push(`${path}:${line}: ${room} must not use ${target}`);
      }
      const written = segments.join('::');
      for (const rule of host) {
        if (rule.path.test(written) && !rule.rooms.includes(room)) {
          found.push(`${path}:${line}: ${room} must not use ${written}`);
        }
      }
    }
  }

  for (const { path, text } of sources.filter((source) => source.path.endsWith('.ts'))) {
    if (path === bindingImporter) continue;
    text.split('\n').forEach((line, i) => {
      if (/\b(from|import|require)\b.*['"][^'"]*(\bbinding\.cjs|\.node)['"]/.test(line)) {
        found.push(`${path}:${i + 1}: only ${bindingImporter} may import the binding`);
      }
    });
  }
  return found;
}

/** @returns {Source[]} */
function readSources() {
  const files = ['src', 'ts'].flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true }).map((file) => `${folder}/${file}`)
      : [],
  );
  return [...files, 'index.ts', 'embed.ts']
    .filter((path) => /\.(rs|ts)$/.test(path) && existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** Sources that must pass but for the lines marked `// wrong`. @type {Source[]} */
const planted = [
  { path: 'src/lib.rs', text: 'pub mod adapter;\npub mod error;\npub use error::{Result, SonaError};' },
  {
    path: 'src/adapter/mod.rs',
    text: `//! use crate::engine::Engine; in a comment is no use
mod tests_of_others;
use crate::{config::Config, error::SonaError, learner::Learner}; // wrong
use crate::Result;
use std::{sync::OnceLock, time::Instant}; // wrong
fn f() -> &'static str { crate::simd::dot(); crate::bank::Bank::new(); "crate::engine" } // wrong
mod inner { use super::lora; use super::super::engine::Engine; } // wrong
#[cfg(test)]
mod tests { use crate::engine::Engine; use std::time::Instant; }
#[cfg(test)]
use crate::learner::Learner;`,
  },
  { path: 'src/adapter/lora.rs', text: 'use super::micro::Micro;\nuse super::super::napi::X; // wrong\n' },
  { path: 'src/simd/mod.rs', text: '#[cfg(test)]\nmod tests;\nuse napi::Env; // wrong\n' },
  { path: 'src/simd/tests.rs', text: 'use std::time::Instant;\nuse crate::engine::Engine;\n' },
  { path: 'src/kitchen/mod.rs', text: '// wrong' },
  { path: 'ts/native.ts', text: "import type * as B from '../binding.cjs';\n" },
  { path: 'ts/engine.ts', text: "import * as b from '../binding.cjs'; // wrong\n" },
];

function selfTest() {
  const expected = planted.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, i) => (line.endsWith('// wrong') ? [`${path}:${i + 1}`] : [])),
  );
  const got = violations(planted).map((line) => line.split(': ')[0]);
  if (expected.join() !== got.join())
    fail(`the check of the arrows is broken: expected ${expected}; got ${got}`);
  console.log(`arrows: all ${expected.length} planted violations were found`);
}

if (process.argv.includes('--self-test')) {
  selfTest();
} else {
  const found = violations(readSources());
  for (const line of found) console.error(line);
  if (found.length > 0) process.exit(1);
  console.log('arrows: every room uses only what it may');
}
