import type { SonaTiers } from '@sona/sona';

/** One of the engines that run side by side. */
export interface Variant {
  name: string;
  /** Heading of its column. */
  short: string;
  tiers: Required<SonaTiers>;
  /** Whether past queries are asked. */
  memory: boolean;
  /** Its character in the plot. */
  mark: string;
  /** Its colour, an ANSI code. */
  colour: number;
}

export const variants: readonly Variant[] = [
  {
    name: 'nothing learned',
    short: 'nothing',
    tiers: { micro: false, base: false, offsets: false, prototypes: false },
    memory: false,
    mark: '-',
    colour: 90,
  },
  {
    name: 'MicroLoRA',
    short: 'MicroLoRA',
    tiers: { micro: true, base: false, offsets: false, prototypes: false },
    memory: false,
    mark: 'm',
    colour: 33,
  },
  {
    name: 'BaseLoRA',
    short: 'BaseLoRA',
    tiers: { micro: false, base: true, offsets: false, prototypes: false },
    memory: false,
    mark: 'b',
    colour: 35,
  },
  {
    name: 'prototypes',
    short: 'prototypes',
    tiers: { micro: false, base: false, offsets: false, prototypes: true },
    memory: false,
    mark: 'p',
    colour: 36,
  },
  {
    name: 'all together',
    short: 'all',
    tiers: { micro: true, base: true, offsets: true, prototypes: true },
    memory: true,
    mark: '#',
    colour: 32,
  },
];
