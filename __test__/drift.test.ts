// The event that says that topics have begun to change.
import { describe, expect, it } from 'vitest';
import { SonaEngine } from '../index.ts';
import { cycle, outcome } from './support/engines.ts';
import { engines, keep } from './support/fixture.ts';
import { axis, near } from './support/vectors.ts';

const DIM = 64;

/** Streams queries near the axes that `topic` names, a cycle every hundred; the events heard, by the number of queries. */
function stream(engine: SonaEngine, queries: number, topic: (n: number) => number): Map<number, number> {
  const heard = new Map<number, number>();
  let n = 0;
  const off = engine.on('drift', ({ change }) => heard.set(n, change));
  for (n = 1; n <= queries; n++) {
    outcome(engine, near(axis(DIM, topic(n)), 0.5, n), `route ${topic(n)}`, n % 2);
    if (n % 100 === 0) engine.tick();
  }
  off();
  return heard;
}

const make = engines({ hiddenDim: DIM });

describe('drift', () => {
  it('is told when a topic gives way to another, once', () => {
    const heard = stream(make(), 3_000, (n) => (n <= 1_500 ? n % 5 : 5 + (n % 5)));
    expect([...heard.keys()].length).toBe(1);
    const [[at, change]] = [...heard] as [[number, number]];
    expect(at).toBeGreaterThan(1_500);
    expect(at).toBeLessThanOrEqual(2_000);
    expect(change).toBeGreaterThan(0.02);
  });

  it('is told again when topics change again', () => {
    const heard = [...stream(make(), 6_000, (n) => 5 * Math.floor((n - 1) / 2_000) + (n % 5)).keys()];
    expect(heard).toHaveLength(2);
    expect(heard[0]).toBeGreaterThan(2_000);
    expect(heard[1]).toBeGreaterThan(4_000);
  });

  it('is not told while topics stay', () => {
    const engine = make();
    expect([...stream(engine, 4_000, (n) => (n * 7) % 10)]).toEqual([]);
    const { shift, drift } = cycle(engine);
    expect(drift).toBeNull();
    expect(Math.abs(shift)).toBeLessThan(0.02);
  });

  it('survives a restart: what was told is not told again', () => {
    const engine = make();
    const before = (n: number) => (n <= 1_500 ? n % 5 : 5 + (n % 5));
    expect(stream(engine, 1_800, before).size).toBe(1);
    const copy = keep(SonaEngine.restore(engine.snapshot()));
    expect(stream(copy, 700, (n) => 5 + ((n * 7) % 5)).size).toBe(0);
  });
});
