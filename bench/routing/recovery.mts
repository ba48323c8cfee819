// How soon a policy is where it should be after the world has changed.
import { indexOfMost, meansOver, type World } from './world.mts';

/** Decisions over which a mean is taken. */
export const WINDOW = 200;

/** Of the new best fixed model's worth. */
const NEAR = 0.95;

export interface Recovery {
  /** Decisions after the change until a whole window is near the new best fixed model; Infinity if none is. */
  back: number;
  /** Worth over the new best fixed model's, in the first window and in that which ends at 600. */
  atFirst: number;
  later: number;
}

const LATER = 600;

export function recovery(chosen: Uint16Array, { stream, half, worth, order }: World): Recovery {
  const k = stream.models.length;
  const best = indexOfMost(meansOver(worth, k, half, order.length));
  /** Over the window that ends after n decisions. */
  const ratio = (n: number): number => {
    let got = 0;
    let fixed = 0;
    for (let t = half + n - WINDOW; t < half + n; t++) {
      got += worth[t * k + (chosen[t] as number)] as number;
      fixed += worth[t * k + best] as number;
    }
    return got / fixed;
  };
  let back = Infinity;
  for (let n = WINDOW; half + n <= order.length && back === Infinity; n++) if (ratio(n) >= NEAR) back = n;
  return { back, atFirst: ratio(WINDOW), later: ratio(Math.min(LATER, order.length - half)) };
}

/** Decisions at the end that tell a model's final share. */
const FINAL = 1000;

/** A share is taken over so many decisions. */
const SHARE_WINDOW = 50;

export interface Adoption {
  /** Of the last decisions. */
  finalShare: number;
  /** Decisions after the change until its share of a window is half of that; windows begin after its trials. */
  adopted: number;
}

export function adoption(chosen: Uint16Array, half: number, model: number, trials: number): Adoption {
  const uses = (from: number, to: number): number =>
    chosen.subarray(from, to).reduce((sum, k) => sum + Number(k === model), 0);
  const last = Math.min(FINAL, chosen.length - half);
  const finalShare = uses(chosen.length - last, chosen.length) / last;
  let tried = half;
  for (let left = trials; left > 0 && tried < chosen.length; tried++) if (chosen[tried] === model) left--;
  for (let end = tried + SHARE_WINDOW; end <= chosen.length; end++) {
    const share = uses(end - SHARE_WINDOW, end) / SHARE_WINDOW;
    if (share >= finalShare / 2) return { finalShare, adopted: end - half };
  }
  return { finalShare, adopted: Infinity };
}
