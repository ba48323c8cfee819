import { checkSettings, type SonaConfig, type settingNames } from './config.ts';
import type { SonaEngine } from './engine.ts';

type Setters = {
  [Name in (typeof settingNames)[number]]: (value: NonNullable<SonaConfig[Name]>) => SonaEngineBuilder;
};

/** Builds an engine: one method per setting, then `build`. */
export interface SonaEngineBuilder extends Setters {
  /** Takes over every setting of a config, a preset for instance. */
  config(config: SonaConfig): SonaEngineBuilder;
  /** The engine; what is not accepted is refused here. */
  build(): SonaEngine;
}

/** A builder with a method for each of `names`, whose `build` hands over what was chosen. */
export function makeBuilder(names: readonly string[], build: (config: object) => object): unknown {
  // without a prototype, so that '__proto__' is a key like any other
  const chosen: Record<string, unknown> = Object.create(null);
  const builder: Record<string, unknown> = {
    config: (config: object) => {
      checkSettings(config);
      Object.assign(chosen, config);
      return builder;
    },
    build: () => build(chosen),
  };
  for (const name of names) {
    builder[name] = (value: unknown) => {
      chosen[name] = value;
      return builder;
    };
  }
  return builder;
}
