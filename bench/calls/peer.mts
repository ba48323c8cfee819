// The published peer, npm @ruvector/sona: it lives in bench/node_modules, where scripts/run.mjs puts it.
import { createRequire } from 'node:module';

export interface PeerEngine {
  applyMicroLora(x: number[]): number[];
  beginTrajectory(query: number[]): number;
  addTrajectoryStep(id: number, activations: number[], attention: number[], reward: number): void;
  endTrajectory(id: number, quality: number): void;
  forceLearn(): string;
  findPatterns(query: number[], k: number): unknown[];
  getStats(): string;
}

export interface Peer {
  version: string;
  path: string;
  create(config: {
    hiddenDim: number;
    microLoraRank?: number;
    trajectoryCapacity?: number;
    patternClusters?: number;
  }): PeerEngine;
}

/** The peer, or undefined with a notice. */
export function loadPeer(): Peer | undefined {
  const require = createRequire(new URL('../package.json', import.meta.url));
  try {
    const path = require.resolve('@ruvector/sona');
    const { SonaEngine } = require('@ruvector/sona') as {
      SonaEngine: { withConfig(config: object): PeerEngine };
    };
    const { version } = require('@ruvector/sona/package.json') as { version: string };
    return { version, path, create: (config) => SonaEngine.withConfig(config) };
  } catch (error) {
    console.error(
      `the peer @ruvector/sona is not here, its figures are left out: ${(error as Error).message}`,
    );
    return undefined;
  }
}
