// The decision log of a router, read line by line: at once, with other work between, into a file, as a stream.
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluatePolicy, readLog, type SonaError, SonaRouter } from '../../index.ts';
import { refusal } from '../support/errors.ts';
import { routers, temporaryFolder } from '../support/fixture.ts';
import { idAt, numberOf, prompt, teach } from '../support/routers.ts';
import { turnsDuring } from '../support/turns.ts';

const make = routers();
const folder = temporaryFolder();

type Line = { v: number; id: string; incarnation: string; outcome?: { quality?: number } };
const parse = (line: string) => JSON.parse(line) as Line;

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const read: string[] = [];
  for await (const line of lines) read.push(line);
  return read;
}

/** A router whose log is more than one piece. */
function large(count = 1_500): SonaRouter {
  const models = Array.from({ length: 40 }, (_, n) => ({ id: `provider/some-model-name-${n}` }));
  const router = make({ models, exploration: 'igw', propensityFloor: 0.0005 });
  teach(router, count);
  return router;
}

describe('the log of a router', () => {
  const router = large();
  const lines = [...router.exportLog()];

  it('is a line per decision, in the order in which they were made', () => {
    expect(lines).toHaveLength(1_500);
    expect(lines.join('\n').length).toBeGreaterThan(3 * 2 ** 20);
    expect(lines.map((line) => numberOf(parse(line).id))).toEqual(
      Array.from({ length: 1_500 }, (_, n) => n + 1),
    );
    for (const line of lines) {
      expect(line).not.toContain('\n');
      const { v, id, incarnation, outcome } = parse(line);
      expect([v, id.slice(1, 17), typeof outcome?.quality]).toEqual([2, incarnation, 'number']);
    }
  });

  it('is the same in every way', async () => {
    const log = router.exportLog();
    expect([...log]).toEqual(lines);
    // each reader begins at the beginning
    expect([...log]).toEqual(lines);
    expect(await all(log)).toEqual(lines);
    const text: string[] = [];
    for await (const piece of log.toReadableStream()) {
      expect(piece.endsWith('\n')).toBe(true);
      text.push(piece);
    }
    expect(text.length).toBeGreaterThan(2);
    expect(text.join('')).toBe(`${lines.join('\n')}\n`);
    const path = join(folder, 'log.jsonl');
    writeFileSync(path, 'what was there before, which is longer than nothing\n'.repeat(200_000));
    expect(await log.toFile(path)).toBe(1_500);
    expect(readFileSync(path, 'utf8')).toBe(`${lines.join('\n')}\n`);
  });

  it('is what readLog and evaluatePolicy read', () => {
    const records = readLog(router.exportLog());
    expect(records).toEqual(readLog(lines.join('\n')));
    expect(records.map(({ id }) => id)).toEqual(lines.map((line) => parse(line).id));
    const options = { seed: 3 };
    expect(evaluatePolicy(router.exportLog(), 'logged', options)).toEqual(
      evaluatePolicy(records, 'logged', options),
    );
    expect(router.evaluate(router.exportLog(), 'logged', options).rounds).toBe(1_500);
  });

  it('may be read in part', async () => {
    const [first] = router.exportLog();
    expect(first).toBe(lines[0]);
    for await (const line of router.exportLog()) {
      expect(line).toBe(lines[0]);
      break;
    }
    const reader = router.exportLog().toReadableStream().getReader();
    expect((await reader.read()).value?.split('\n')[0]).toBe(lines[0]);
    await reader.cancel();
  });

  it('begins at a decision', async () => {
    const { id } = parse(lines[0] as string);
    for (const since of [1_490, idAt(id, 1_490)]) {
      expect([...router.exportLog({ since })]).toEqual(lines.slice(1_489));
      expect(await all(router.exportLog({ since }))).toEqual(lines.slice(1_489));
    }
    expect([...router.exportLog({ since: 0 })]).toEqual(lines);
    expect([...router.exportLog({ since: 9_999 })]).toEqual([]);
  });

  it("begins at no decision that is another router's", async () => {
    const other = large(3);
    const restored = SonaRouter.restore(router.snapshot());
    const [own] = teach(restored, 1);
    const [foreign] = [...other.exportLog()].map((line) => parse(line).id);
    const later = teach(router, 1)[0]?.id;
    for (const since of [
      foreign,
      later,
      own?.id.replace('r', 't'),
      idAt((lines[0] && parse(lines[0]).id) || '', 99_999),
    ]) {
      const { code, details } = await refusal(() => restored.exportLog({ since: since as string }));
      expect([code, details.argument]).toEqual(['SONA_INVALID_ARGUMENT', 'since']);
    }
    // those of its former life are its own
    const before = restored.snapshot().byteLength;
    const { id } = parse(lines[1_498] as string);
    expect([...restored.exportLog({ since: id })].map((line) => numberOf(parse(line).id))).toEqual([
      1_499, 1_500, 1_501,
    ]);
    expect([...restored.exportLog({ since: own?.id as string })]).toHaveLength(1);
    expect(restored.snapshot().byteLength).toBe(before);
    expect(restored.stats().learned).toBe(1_501);
  });

  it('of nothing is empty', async () => {
    const log = make().exportLog();
    expect([...log]).toEqual([]);
    expect(await all(log)).toEqual([]);
    const path = join(folder, 'empty.jsonl');
    expect(await log.toFile(path)).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('');
    expect((await log.toReadableStream().getReader().read()).done).toBe(true);
  });
});

describe('a log that is read while decisions go on', () => {
  it('has what was there, as it is when its piece is made, and what came meanwhile', async () => {
    const router = large();
    const numbers: number[] = [];
    let made = 0;
    for await (const line of router.exportLog()) {
      if (numbers.length % 100 === 0 && made < 500) made += teach(router, 10, 2 + made).length;
      numbers.push(numberOf(parse(line).id));
    }
    expect(made).toBeGreaterThan(100);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, n) => n + 1));
    expect(numbers.length).toBeGreaterThanOrEqual(1_500);
    expect(numbers.length).toBeLessThanOrEqual(1_500 + made);
  });

  it('passes over what is given up', () => {
    const router = make({ pendingCapacity: 200 });
    teach(router, 200);
    const [log] = [router.exportLog()];
    teach(router, 150, 2);
    expect([...log].map((line) => numberOf(parse(line).id))).toEqual(
      Array.from({ length: 200 }, (_, n) => n + 151),
    );
  });

  it('leaves room for other work between pieces', async () => {
    const router = large(3_000);
    const { turns } = await turnsDuring(() => all(router.exportLog()));
    expect(turns).toBeGreaterThan(0);
  });

  it('ends with the router', async () => {
    const router = large();
    const log = router.exportLog();
    const reading = all(log);
    await router.close();
    expect((await refusal(() => [...log])).code).toBe('SONA_CLOSED');
    expect((await refusal(() => reading)).code).toBe('SONA_CLOSED');
    const path = join(folder, 'closed.jsonl');
    expect((await refusal(() => log.toFile(path))).code).toBe('SONA_CLOSED');
    const stream = log.toReadableStream().getReader();
    expect((await refusal(() => stream.read())).code).toBe('SONA_CLOSED');
  });
});

describe('a file that is there', () => {
  const router = large();
  const text = `${[...router.exportLog()].join('\n')}\n`;

  it('stays as it was when writing ends early, and nothing lies beside it', async () => {
    const ending = large();
    const path = join(folder, 'kept', 'log.jsonl');
    mkdirSync(join(folder, 'kept'));
    writeFileSync(path, 'former\n');
    const log = ending.exportLog();
    const writing = refusal(() => log.toFile(path));
    await ending.close();
    expect((await writing).code).toBe('SONA_CLOSED');
    expect(readFileSync(path, 'utf8')).toBe('former\n');
    expect(readdirSync(join(folder, 'kept'))).toEqual(['log.jsonl']);
  });

  it('is replaced with its permissions, also through a link', async () => {
    const inside = join(folder, 'linked');
    mkdirSync(inside);
    const [path, link] = [join(inside, 'log.jsonl'), join(inside, 'link.jsonl')];
    writeFileSync(path, 'former\n', { mode: 0o600 });
    symlinkSync(path, link);
    expect(await router.exportLog().toFile(link)).toBe(1_500);
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readdirSync(inside).sort()).toEqual(['link.jsonl', 'log.jsonl']);
  });

  it('is refused behind a link that leads nowhere, which stays', async () => {
    const link = join(folder, 'nowhere.jsonl');
    symlinkSync(join(folder, 'missing', 'log.jsonl'), link);
    const error = await refusal(() => router.exportLog().toFile(link));
    expect(error.code).toBe('SONA_IO');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  it('is refused where it is none', async () => {
    const error = await refusal(() => router.exportLog().toFile(folder));
    expect(error).toMatchObject({ code: 'SONA_IO', details: { path: folder } });
  });
});

it('that can not be written says so', async () => {
  const router = make();
  teach(router, 3);
  const path = join(folder, 'nowhere', 'log.jsonl');
  const error: SonaError = await refusal(() => router.exportLog().toFile(path));
  expect(error).toMatchObject({ code: 'SONA_IO', details: { path } });
  for (const wrong of [undefined, null, 1, '']) {
    const { details } = await refusal(() => router.exportLog().toFile(wrong as string));
    expect(details.argument).toBe('path');
  }
  expect(router.route(prompt(0, 1)).model).toBeDefined();
});
