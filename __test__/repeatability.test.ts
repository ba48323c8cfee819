// In manual mode the same seed and the same calls give the same bits.
import { describe, expect, it } from 'vitest';
import type { SonaConfig } from '../index.ts';
import { cycle, manual, picture, step, teach } from './support/engines.ts';
import { gaussian } from './support/vectors.ts';

const DIM = 24;

/** A life with everything in it. */
async function life(config: SonaConfig): Promise<unknown[]> {
  const engine = manual({ hiddenDim: DIM, ...config });
  const seen: unknown[] = [];
  const look = () => seen.push(picture(engine, DIM));
  teach(engine, DIM, 130);
  look();
  const { ms: _, ...first } = cycle(engine);
  seen.push(first);
  look();
  for (let n = 0; n < 30; n++)
    step(engine, gaussian(DIM, n), gaussian(DIM, 50 + (n % 5)), n % 3, (n % 4) / 3);
  engine.removeRoute('north');
  const { ms: __, ...second } = await engine.learn();
  seen.push(second);
  teach(engine, DIM, 1_100, 2);
  engine.flush();
  look();
  const { ms: ___, ...third } = cycle(engine);
  seen.push(third);
  look();
  await engine.close();
  return seen;
}

describe('manual mode', () => {
  it.each([
    {},
    { seed: 7 },
    { enableSimd: false },
    { promotionGate: false, microLoraRank: 4, baseLoraRank: 3 },
    { replayCapacity: 64 },
  ])('repeats itself bit for bit (%o)', async (config) => {
    expect(await life(config)).toEqual(await life(config));
  });

  it('gives other bits for another seed', async () => {
    const [one, other] = [await life({ seed: 1 }), await life({ seed: 2 })];
    expect(one[0]).not.toEqual(other[0]);
    expect(one.at(-1)).not.toEqual(other.at(-1));
  });

  it('does not depend on what other engines do meanwhile', async () => {
    const alone = await life({});
    const [one, other] = await Promise.all([life({}), life({ seed: 3 })]);
    expect(one).toEqual(alone);
    expect(other).not.toEqual(alone);
  });
});
