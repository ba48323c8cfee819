// What suggestions say of past queries, and routes that are tried.
import { describe, expect, it } from 'vitest';
import type { RouteSuggestion, SonaConfig } from '../index.ts';
import { manual } from './support/engines.ts';
import { keep } from './support/fixture.ts';

const near = (n: number, at: number) => {
  const x = new Float32Array(8);
  x[at] = 1;
  x[7] = 0.2 * Math.sin(n);
  return x;
};

/** What a right answer is worth: what a sure suggestion expects would be no news. */
const good = 0.9;

/** Four topics, which the routes `even` and `odd` share. */
function learned(events: number, config: SonaConfig = {}, explore = false) {
  const engine = keep(manual({ hiddenDim: 8, ...config }));
  engine.addRoute('even', { embedding: [1, 0, 1, 0, 0, 0, 0, 0.1] });
  engine.addRoute('odd', { embedding: [0, 1, 0, 1, 0, 0, 0, 0.1] });
  engine.addRoute('spare', { embedding: [0, 0, 0, 0, 1, 0, 0, 0] });
  const made: RouteSuggestion[] = [];
  for (let n = 0; n < events; n++) {
    const suggestion = engine.suggestRoutes(near(n, n % 4), { explore });
    made.push(suggestion);
    engine.feedback(suggestion.id, { quality: suggestion.best === (n % 2 ? 'odd' : 'even') ? good : 0 });
    if (n % 100 === 99) engine.forceLearn();
  }
  return { engine, made };
}

describe('past queries', () => {
  it('speak for and against, the nearest first', () => {
    const { engine } = learned(40);
    const { reasoning } = engine.suggestRoutes(near(500, 0), { explain: true });
    expect(reasoning.rounds).toBeGreaterThan(0);
    expect(['settled', 'rounds']).toContain(reasoning.stop);
    const episodes = reasoning.episodes ?? [];
    expect(episodes.length).toBeGreaterThan(10);
    const [first] = episodes;
    expect(first).toMatchObject({ route: 'even', quality: expect.closeTo(good, 5) });
    expect(first?.trajectoryId).toMatch(/^t/);
    expect(first?.similarity).toBeGreaterThan(0.9);
    const similarities = episodes.map(({ similarity }) => similarity);
    expect(similarities).toEqual(similarities.toSorted((a, b) => b - a));
    expect(episodes.reduce((sum, { attention }) => sum + attention, 0)).toBeCloseTo(1, 4);
    // the id is one that an outcome can be corrected by
    engine.learnFromFeedback({ trajectoryId: first?.trajectoryId, quality: 0.25 });
    const again = engine.suggestRoutes(near(500, 0), { explain: true }).reasoning.episodes;
    expect(again?.[0]).toMatchObject({ trajectoryId: first?.trajectoryId, quality: 0.25 });
  });

  it('say nothing before there are any, nor without memory, nor unless they are asked', () => {
    const fresh = learned(0).engine.suggestRoutes(near(1, 0), { explain: true });
    expect(fresh.reasoning).toEqual({ rounds: 0, stop: 'nothing', episodes: [] });
    const { engine } = learned(40, { memory: false });
    expect(engine.suggestRoutes(near(1, 0)).reasoning).toEqual({ rounds: 0, stop: 'nothing' });
    expect(learned(40).engine.suggestRoutes(near(1, 0)).reasoning.episodes).toBeUndefined();
  });

  it('are those of eligible routes', () => {
    const { engine } = learned(40);
    const { reasoning } = engine.suggestRoutes(near(500, 0), { explain: true, eligible: ['odd', 'spare'] });
    expect(reasoning.episodes?.map(({ route }) => route)).not.toContain('even');
  });

  it('are forgotten with their trajectories', () => {
    const { engine } = learned(40);
    const first = engine.suggestRoutes(near(500, 0), { explain: true }).reasoning.episodes?.[0];
    engine.forget({ trajectoryId: first?.trajectoryId });
    const left = engine.suggestRoutes(near(500, 0), { explain: true }).reasoning.episodes ?? [];
    expect(left.map(({ trajectoryId }) => trajectoryId)).not.toContain(first?.trajectoryId);
  });
});

describe('exploring', () => {
  it('gives each route its propensity, and the drawn one comes first', () => {
    const { made } = learned(400, {}, true);
    for (const { ranked, best } of made) {
      expect(ranked.reduce((sum, { propensity = 0 }) => sum + propensity, 0)).toBeCloseTo(1, 5);
      expect(ranked[0]?.route).toBe(best);
      expect(ranked[0]?.propensity).toBeGreaterThan(0);
    }
  });

  it('tries every route where none is right', () => {
    const { engine } = learned(0);
    const tried = new Set<string | null>();
    for (let n = 0; n < 60; n++) {
      const { id, best } = engine.suggestRoutes(near(n, 5), { explore: true });
      tried.add(best);
      engine.feedback(id, { quality: 0 });
    }
    expect([...tried].sort()).toEqual(['even', 'odd', 'spare']);
  });

  it('draws as often as it says', () => {
    const { engine } = learned(30);
    const drawn = new Map<string, number>();
    const said = new Map<string, number>();
    for (let n = 0; n < 4_000; n++) {
      const { best, ranked } = engine.suggestRoutes([0.6, 0.6, 0, 0, 0.3, 0, 0, 0], { explore: true });
      drawn.set(best as string, (drawn.get(best as string) ?? 0) + 1);
      for (const { route, propensity = 0 } of ranked) said.set(route, (said.get(route) ?? 0) + propensity);
    }
    for (const [route, expected] of said) {
      const deviation = Math.sqrt(expected * (1 - expected / 4_000)) + 1;
      expect(Math.abs((drawn.get(route) ?? 0) - expected)).toBeLessThan(4 * deviation);
    }
  });

  it('repeats with the same seed, and has no propensities unless it is asked for', () => {
    const draws = (seed: number) => {
      const { engine } = learned(0, { seed });
      const x = [0.6, 0.6, 0, 0, 0.3, 0, 0, 0];
      return Array.from({ length: 400 }, () => engine.suggestRoutes(x, { explore: true }).best);
    };
    expect(draws(5)).toEqual(draws(5));
    expect(draws(6)).not.toEqual(draws(5));
    const [first] = learned(0).engine.suggestRoutes(near(1, 0)).ranked;
    expect(first?.propensity).toBeUndefined();
  });

  it.each(['explain', 'explore'])('refuses %s that is neither true nor false', (name) => {
    const { engine } = learned(0);
    expect(() => engine.suggestRoutes(near(1, 0), { [name]: 1 } as never)).toThrow(
      expect.objectContaining({ code: 'SONA_INVALID_ARGUMENT', message: expect.stringContaining(name) }),
    );
  });
});
