// Accuracy of each engine, a line per evaluation.
import { bold, count, paint } from './terminal.mts';
import { variants } from './variants.mts';

export function head(): string {
  const cells = variants.map(({ short, colour }) => paint(colour, short.padStart(12)));
  return `${bold('events'.padStart(9))}${cells.join('')}`;
}

export function row(events: number, percents: readonly number[]): string {
  return `${count(events).padStart(9)}${percents.map((percent) => percent.toFixed(1).padStart(12)).join('')}`;
}
