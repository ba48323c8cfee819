// An app of Next.js, built by each of its bundlers as docs/bundlers.md says: a page and a route handler route and learn, and a
// second process knows what the first has learned.
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { app, bin, learned, notExternal, out, ownCopy, run, start } from './support.ts';

const servers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of servers.splice(0)) await stop();
});

/** A project of the app. */
function project(name: string): string {
  const folder = out(name, 'apps/next');
  copyFileSync(app('lessons.js'), join(folder, 'lessons.js'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  return folder;
}

const next = bin('next');
const build = (folder: string, bundler: string, env: Record<string, string> = {}) =>
  run(process.execPath, [next, 'build', `--${bundler}`], { cwd: folder, env });

/** The server that `output: 'standalone'` makes: the folder and its program. */
const standalone = (folder: string) =>
  [join(folder, '.next/standalone/.out', basename(folder)), 'server.js'] as const;

/** A port that nobody listens to. */
const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });

/** Starts the server of a build, and gives its address, what it has printed and how it is stopped. */
async function serve(state: string, cwd: string, ...program: string[]) {
  const port = await freePort();
  const env = { PORT: String(port), HOSTNAME: '127.0.0.1', STATE: state };
  const child = start(process.execPath, program, { cwd, env });
  let printed = '';
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    const read = (data: unknown) => {
      printed += data;
      if (printed.includes('Ready')) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    ended.then(() => reject(new Error(`the server ended:\n${printed}`)));
  });
  const stop = async () => {
    child.kill();
    await ended;
  };
  servers.push(stop);
  await ready;
  return { origin: `http://127.0.0.1:${port}`, printed: () => printed, stop };
}

/** What the page shows. */
async function shown(origin: string): Promise<unknown> {
  const html = await (await fetch(origin)).text();
  const [, picks = ''] = /id="picks">([^<]*)</.exec(html) ?? [];
  return JSON.parse(picks.replaceAll('&quot;', '"'));
}

/** Teaches one process of the server, ends it, and looks at what another picks. */
async function learns(cwd: string, ...program: string[]): Promise<void> {
  const state = join(cwd, 'state.sona');
  const first = await serve(state, cwd, ...program);
  const answer = await fetch(`${first.origin}/learn`, { method: 'POST' });
  expect(await answer.json()).toEqual(learned);
  await first.stop();
  const second = await serve(state, cwd, ...program);
  expect(await shown(second.origin)).toEqual(learned);
}

describe('Next.js', () => {
  it('with Turbopack, as a standalone server, learns and goes on in a second process', async () => {
    const folder = project('next-turbopack');
    await build(folder, 'turbopack', { STANDALONE: '1' });
    await learns(...standalone(folder));
  });

  it('with webpack, learns and goes on in a second process', async () => {
    const folder = project('next-webpack');
    await build(folder, 'webpack');
    await learns(folder, next, 'start');
  });

  it('says what setting is missing, once it runs where the package is not', async () => {
    const folder = project('next-unset');
    const copy = ownCopy(folder);
    await build(folder, 'turbopack', { UNSET: '1' });
    rmSync(copy, { recursive: true });
    const server = await serve(join(folder, 'state.sona'), folder, next, 'start');
    const { status } = await fetch(`${server.origin}/learn`, { method: 'POST' });
    expect(status).toBe(500);
    await expect.poll(server.printed, { timeout: 60_000 }).toMatch(notExternal);
  });
});
