// Checks that the rooms of src/ and ts/ depend only on the rooms that ARCHITECTURE.md lets them see, parts of a room only on
// those before them, that no files there use each other in a circle, and that each Rust file belongs to a module. The tables
// are here.
//
//   node scripts/check-arrows.mjs              checks the sources
//   node scripts/check-arrows.mjs --self-test  checks that planted violations are found
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { circles, rustArrows, typescriptArrows } from './circles.mjs';
import { fail, root } from './process.mjs';
import { rustPaths } from './rust-paths.mjs';

/** What every room may use. */
const everyone = ['config', 'error', 'fault', 'identity', 'state'];

/** What each room may use, besides itself. @type {Record<string, string[]>} */
const arrows = {
  napi: ['engine', 'router', 'offpolicy', 'embed', 'store', ...everyone],
  engine: [
    'learner',
    'reasoner',
    'memory',
    'bank',
    'store',
    'adapter',
    'trajectory',
    'check',
    'linear',
    'shared',
    ...everyone,
  ],
  router: ['check', 'chunks', 'linear', 'patient', 'shared', 'simd', 'store', ...everyone],
  offpolicy: ['check', 'linear', ...everyone],
  learner: ['adapter', 'bank', 'memory', 'reasoner', 'trajectory', 'linear', 'simd', ...everyone],
  adapter: ['linear', 'simd', ...everyone],
  bank: ['linear', 'simd', ...everyone],
  trajectory: ['check', 'simd', ...everyone],
  embed: ['router', 'linear', 'simd', 'store', ...everyone],
  memory: ['check', 'chunks', 'linear', 'simd', 'trajectory', ...everyone],
  reasoner: ['linear'],
  linear: ['simd'],
  patient: [],
  shared: ['error'],
  check: ['simd', 'error'],
  store: everyone,
  simd: everyone,
  state: ['error'],
  config: ['error'],
  error: [],
  fault: [],
  identity: [],
  chunks: [],
};

/**
 * Parts of a room in their order: each may use itself and those before it. @type {Record<string, string[]>}
 */
const parts = {
  'src/router/': [
    'id',
    'time',
    'event',
    'words',
    'features',
    'price',
    'model',
    'models',
    'posterior',
    'economics',
    'ledger',
    'policy',
    'change',
    'state',
    'record',
    'facade',
  ],
};

/** The host's things, and the rooms that may know them. Time and randomness are passed in everywhere else. */
const host = [
  { path: /^(std|core)::time\b/, rooms: ['engine', 'store', 'napi'] },
  { path: /^std::thread\b/, rooms: ['engine', 'patient', 'store', 'napi'] },
  { path: /^std::fs\b/, rooms: ['engine', 'store', 'napi'] },
  { path: /^napi(_derive)?\b/, rooms: ['napi'] },
];

/**
 * Rooms of ts/ in their order: each may use itself and those before it. `log` and `engine` know nothing of each other, nor do
 * `router` and `compat`, and nothing knows of `testing`.
 * @type {Record<string, string[]>}
 */
const typescriptRooms = {
  host: [],
  base: ['host'],
  binding: ['host', 'base'],
  embed: ['host', 'base', 'binding'],
  log: ['host', 'base', 'binding'],
  engine: ['host', 'base', 'binding', 'embed'],
  router: ['host', 'base', 'binding', 'embed', 'log', 'engine'],
  compat: ['host', 'base', 'binding', 'embed', 'engine'],
  testing: ['base', 'embed'],
};

/** Files of other rooms that a room of ts/ may use types of alone, so that loading it loads none of them. @type {Record<string, RegExp>} */
const typesOnly = { testing: /^ts\/(embed\/|base\/events\.)/ };

/** What only Node.js has. Other hosts fill in the files of ts/host/. */
const onlyNode =
  /(?:\bfrom|\bimport\(?) *'(node:[^']*)'|\b(process\.|Buffer\.|setImmediate\b|NodeJS\.|__dirname\b|require\()/;

/** The only TypeScript file that may load the addon. */
const bindingImporter = 'ts/host/addon.ts';

/**
 * Circles of files that may be, with the reason, which ARCHITECTURE.md repeats. A name that ends in a slash stands for every
 * file of the folder. @type {{files: string[], why: string}[]}
 */
const knownCircles = [
  {
    files: ['ts/engine/engine-builder.ts', 'ts/engine/engine.ts'],
    why: 'types alone: the builder names the engine that it builds, whose `builder()` names it',
  },
];

/** @typedef {{path: string, text: string}} Source */

/** @returns {string[]} one line per violation */
export function violations(/** @type {Source[]} */ sources, known = knownCircles) {
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
  const code = parsed.filter(({ path, module }) => path !== 'src/lib.rs' && !isTest(module));
  const arrowsOfFiles = rustArrows(code);
  found.push(...againstTheOrder(arrowsOfFiles));
  const typescript = sources.filter(({ path }) => path.startsWith('ts/'));
  const typescriptUses = typescriptArrows(typescript);
  found.push(...againstTheRooms(typescriptUses), ...outsideTheHost(typescript));
  found.push(...unknownCircles([...circles(arrowsOfFiles), ...circles(typescriptUses)], known));
  return found;
}

/** @returns {string[]} a line for every use of a room of ts/ by one that may not, and for every file outside the rooms */
function againstTheRooms(/** @type {ReturnType<typeof typescriptArrows>} */ files) {
  const roomOf = (/** @type {string} */ path) => path.split('/').slice(1, -1)[0] ?? '';
  return [...files].flatMap(([path, uses]) => {
    const room = roomOf(path);
    const allowed = typescriptRooms[room];
    if (!allowed) return [`${path}:1: belongs to no room of ts/ in the table of scripts/check-arrows.mjs`];
    const wrong = uses.filter(({ to }) => roomOf(to) !== room && !allowed.includes(roomOf(to)));
    const loaded = uses.filter(
      ({ to, type }) => !type && typesOnly[room]?.test(to) && !wrong.some((use) => use.to === to),
    );
    return [
      ...wrong.map(({ to, line }) => `${path}:${line}: ${room} must not use ${roomOf(to)}`),
      ...loaded.map(({ to, line }) => `${path}:${line}: ${room} may use types alone of ${to}`),
    ];
  });
}

/** @returns {string[]} a line for every use of what only Node.js has, outside ts/host/ */
function outsideTheHost(/** @type {Source[]} */ sources) {
  const others = sources.filter(({ path }) => !path.startsWith('ts/host/'));
  return others.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, i) => {
      const [, module, global] = /^\s*(\/\/|\*|\/\*)/.test(line) ? [] : (onlyNode.exec(line) ?? []);
      const used = module ?? global;
      return used ? [`${path}:${i + 1}: only ts/host/ may use ${used}`] : [];
    }),
  );
}

/** @returns {string[]} a line for every use of a part of a room by one that comes before it, and for every part without a place */
function againstTheOrder(/** @type {ReturnType<typeof rustArrows>} */ files) {
  const place = (/** @type {string} */ path, /** @type {string} */ room) =>
    (parts[room] ?? []).indexOf(path.slice(room.length).split(/[/.]/)[0] ?? '');
  return Object.keys(parts).flatMap((room) =>
    [...files].flatMap(([path, uses]) => {
      // the room's own mod.rs exports its parts
      if (!path.startsWith(room) || path === `${room}mod.rs`) return [];
      const from = place(path, room);
      if (from < 0) return [`${path}:1: has no place among the parts of ${room}`];
      const later = uses.filter(({ to }) => to.startsWith(room) && place(to, room) > from);
      return later.map(({ to, line }) => `${path}:${line}: must not use ${to}, which comes after it`);
    }),
  );
}

/** @returns {string[]} a line for every Rust file that no module declares: nobody compiles it */
function orphans(/** @type {Source[]} */ sources) {
  const texts = new Map(sources.map(({ path, text }) => [path, text]));
  return sources.flatMap(({ path }) => {
    const [, folder = '', name = ''] =
      /^(src\/.*?)(?:\/mod)?\.rs$/.exec(path)?.[1]?.match(/^(.*)\/([^/]*)$/) ?? [];
    if (!name || path === 'src/lib.rs') return [];
    const parents = [`${folder}/mod.rs`, `${folder}/lib.rs`, `${folder}.rs`];
    const declares = parents.some((parent) => new RegExp(`\\bmod ${name};`).test(texts.get(parent) ?? ''));
    return declares ? [] : [`${path}:1: no module declares it`];
  });
}

/** @returns {string[]} a line for every circle that is not in the table, and for every entry that is none any more */
function unknownCircles(
  /** @type {ReturnType<typeof circles>} */ found,
  /** @type {typeof knownCircles} */ known,
) {
  const within = (/** @type {string[]} */ files, /** @type {string} */ path) =>
    files.some((file) => file === path || (file.endsWith('/') && path.startsWith(file)));
  const covers = (/** @type {string[]} */ listed, /** @type {{files: string[]}} */ { files }) =>
    files.every((path) => within(listed, path));
  const unknown = found
    .filter((circle) => !known.some(({ files }) => covers(files, circle)))
    .map(({ circle }) => {
      const [first] = circle;
      const steps = circle.map(({ from, line }) => `${from}:${line}`);
      return `${first?.from}:${first?.line}: a circle of files: ${[...steps, first?.from].join(' -> ')}`;
    });
  const untied = known
    .filter(({ files }) => !found.some((circle) => covers(files, circle)))
    .map(({ files }) => `${files[0]}:1: no circle any more: take ${files.join(', ')} out of the table`);
  return [...unknown, ...untied];
}

/** @returns {string[]} reasons for circles that ARCHITECTURE.md does not give */
function unexplainedCircles() {
  const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').replace(/\s+/g, ' ');
  return knownCircles
    .filter(({ files, why }) => !page.includes(`${files.map((file) => `\`${file}\``).join(', ')}: ${why}`))
    .map(({ files, why }) => `ARCHITECTURE.md:1: does not say of ${files.join(', ')}: ${why}`);
}

/** @returns {Source[]} */
function readSources() {
  const files = ['src', 'ts'].flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true }).map((file) => `${folder}/${file}`)
      : [],
  );
  return [...files, 'index.ts', 'embed.ts', 'compat.ts', 'testing.ts']
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
  { path: 'src/adapter/micro.rs', text: '' },
  { path: 'src/simd/mod.rs', text: '#[cfg(test)]\nmod tests;\nuse napi::Env; // wrong\n' },
  { path: 'src/simd/tests.rs', text: 'use std::time::Instant;\nuse crate::engine::Engine;\n' },
  { path: 'src/kitchen/mod.rs', text: '// wrong' },
  {
    path: 'src/state/mod.rs',
    text: `mod reader;
mod writer;
pub use reader::Reader; // wrong
pub use writer::{Entry, Writer};
pub struct State;
impl State { fn reader(&self) -> Reader { Reader::new(self) } }`,
  },
  // what a parent only exports is no arrow, what it also names is one
  { path: 'src/state/reader.rs', text: 'use super::State;\nuse super::Entry;\n' },
  {
    path: 'src/state/writer.rs',
    text: 'pub fn f() {}\n#[cfg(test)]\nmod tests { use super::super::State; }\n',
  },
  {
    path: 'src/bank/mod.rs',
    text: 'pub mod pool;\npub mod index;\n#[cfg(test)]\nmod tests;\npub use index::Row;\n',
  },
  { path: 'src/bank/pool.rs', text: 'use super::Row;\n' },
  { path: 'src/bank/index.rs', text: 'pub struct Row;\nfn f() { crate::bank::pool::take(); } // wrong\n' },
  { path: 'src/bank/tests.rs', text: 'use super::pool::X;\n' },
  { path: 'src/router/mod.rs', text: 'mod policy;\nmod facade;\npub use facade::Facade;\n' },
  {
    path: 'src/router/policy/mod.rs',
    text: 'mod draw;\nuse super::facade::Facade; // wrong\nuse super::features::Z;\n',
  },
  { path: 'src/router/policy/draw.rs', text: 'fn f() { crate::router::change::apply(); } // wrong\n' },
  { path: 'src/router/features.rs', text: 'pub struct Z;\n' },
  { path: 'src/router/change.rs', text: 'use super::features::Z;\n' },
  { path: 'src/router/facade.rs', text: 'use super::change::C;\n' },
  { path: 'src/router/cellar.rs', text: '// wrong' },
  { path: 'src/engine/mod.rs', text: 'mod stats;\nfn f() { stats::all(); }\n' },
  { path: 'src/engine/stats.rs', text: 'use super::f;\n' },
  { path: 'ts/host/addon.ts', text: "import type * as B from '../binding.cjs';\nimport 'node:fs';\n" },
  {
    path: 'ts/engine/engine.ts',
    text: `import * as b from '../binding.cjs'; // wrong
import {
  one,
} from './routes.ts';
import { read } from '../router/a.ts'; // wrong
`,
  },
  {
    path: 'ts/engine/routes.ts',
    text: "export { x } from '../base/vectors.ts';\nimport type { E } from './a.ts';\n",
  },
  { path: 'ts/engine/a.ts', text: "import { one } from './routes.ts'; // wrong\n" },
  {
    path: 'ts/base/vectors.ts',
    text: `// process.exit() in a comment is no use
import { isFloat32Array } from 'node:util/types'; // wrong
const bytes = Buffer.alloc(8); // wrong
`,
  },
  { path: 'ts/base/old.ts', text: '// wrong' },
  { path: 'ts/log/lines.ts', text: "import { a } from '../router/a.ts'; // wrong\n" },
  { path: 'ts/router/a.ts', text: '' },
  { path: 'ts/router/router.ts', text: "import { e } from '../engine/engine.ts';\n" },
  {
    path: 'ts/compat/a.ts',
    text: "import { a } from '../router/a.ts'; // wrong\nimport '../engine/routes.ts';\n",
  },
  {
    path: 'ts/testing/world.ts',
    text: `import type {
  E,
} from '../embed/embedder.ts';
import { e } from '../embed/embedder.ts'; // wrong
import { type E, e } from '../embed/embedder.ts'; // wrong
import { check } from '../base/vectors.ts';
import type { R } from '../router/router.ts'; // wrong
`,
  },
  { path: 'ts/testing/clock.ts', text: '' },
  { path: 'ts/embed/embedder.ts', text: "import type { C } from '../testing/clock.ts'; // wrong\n" },
  { path: 'ts/stray.ts', text: '// wrong' },
];

/** What of them may be. */
const plantedKnown = [
  { files: ['src/engine/'], why: '' },
  { files: ['ts/base/old.ts', 'ts/base/vectors.ts'], why: '' },
];

function selfTest() {
  const expected = planted.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, i) => (line.endsWith('// wrong') ? [`${path}:${i + 1}`] : [])),
  );
  const got = violations(planted, plantedKnown).map((line) => line.split(': ')[0]);
  if (expected.sort().join() !== got.sort().join())
    fail(`the check of the arrows is broken: expected ${expected}; got ${got}`);
  const files = [
    { path: 'src/lib.rs', text: 'mod a;' },
    { path: 'src/a/mod.rs', text: 'pub mod b;' },
    { path: 'src/a/b.rs', text: 'mod c;' },
    { path: 'src/a/b/c.rs', text: '' },
    { path: 'src/a/d.rs', text: '' },
  ];
  const lost = orphans(files).join();
  if (lost !== 'src/a/d.rs:1: no module declares it') fail(`the check of the arrows is broken: ${lost}`);
  console.log(`arrows: all ${expected.length} planted violations were found`);
}

if (process.argv.includes('--self-test')) {
  selfTest();
} else {
  const sources = readSources();
  const found = [...violations(sources), ...orphans(sources), ...unexplainedCircles()];
  for (const line of found) console.error(line);
  if (found.length > 0) process.exit(1);
  console.log('arrows: every room uses only what it may, and no files use each other in a circle');
}
