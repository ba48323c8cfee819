// Time per call of the public API, beside an empty native call, plain JavaScript and the published peer.
//
//   npm run bench:calls -- [--json FILE] [--short] [--only TEXT]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Case } from './calls/case.mts';
import { cases } from './calls/cases.mts';
import { loadPeer } from './calls/peer.mts';
import { type Figure, figures } from './calls/process.mts';
import { compare, type Effort, sink, type Timing } from './calls/timing.mts';

interface CallRow {
  name: string;
  min_ns: number;
  median_ns: number;
  ratio_to_floor: number | null;
  /** How many times faster than plain JavaScript, and than the peer. */
  ratio_to_plain: number | null;
  ratio_to_peer: number | null;
  bar: string | null;
  met: boolean | null;
}

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    short: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const effort: Effort = options.short ? { runs: 1, least: 2 } : { runs: 7, least: 30 };
const setting = { peer: loadPeer(), short: options.short };

console.log(
  `Node ${process.version}, ${process.platform}-${process.arch}; ` +
    `${setting.peer ? `peer ${setting.peer.version}` : 'no peer'}; min and median of ${effort.runs} runs.\n` +
    'x floor: times an empty native call with two arrays. x plain, x peer: times faster than that.\n',
);
if (options.short) console.log('Short: every case once, to see that it runs; no bar is judged.\n');
console.log(line('case', ['min ns', 'median ns', 'x floor', 'x plain', 'x peer'], 'bar', 'met'));
const rows: CallRow[] = [];
for (const prepare of cases) {
  for (const each of prepare(setting)) {
    if (!each.name.includes(options.only)) continue;
    const row = judge(each, compare({ ...each.contenders }, effort));
    rows.push(row);
    const ratios = [row.ratio_to_floor, row.ratio_to_plain, row.ratio_to_peer];
    const cells = [nanos(row.min_ns), nanos(row.median_ns), ...ratios.map(times)];
    console.log(line(row.name, cells, row.bar ?? '', verdict(row.met)));
  }
}

const others: (Figure & { met: boolean | null })[] = [];
if (options.only === '') {
  console.log(`\n${line('figure', ['', '', '', '', 'value'], 'bar', 'met')}`);
  for (const figure of await figures(setting.peer, options.short)) {
    const { name, value, unit, bar } = figure;
    const met = bar === undefined || options.short ? null : value <= bar;
    others.push({ ...figure, met });
    console.log(
      line(name, ['', '', '', '', amount(value, unit)], bar ? `<= ${bar} ${unit}` : '', verdict(met)),
    );
  }
}
if (Number.isNaN(sink.value)) throw new Error('a result was not a number');
if (options.json) writeFileSync(options.json, `${JSON.stringify([...rows, ...others], null, 2)}\n`);

function judge({ name, bar }: Case, timings: Record<string, Timing>): CallRow {
  const { sona, floor, plain, peer } = timings;
  if (!sona) throw new Error(`${name}: not timed`);
  const ratio = (a: Timing | undefined, b: Timing | undefined) => (a && b ? a.median / b.median : null);
  const toPeer = ratio(peer, sona);
  const bars: string[] = [];
  let met: boolean | null = null;
  if (bar?.nanos !== undefined) {
    bars.push(`<= ${nanos(bar.nanos)} ns`);
    met = sona.median <= bar.nanos;
  }
  if (bar?.peer !== undefined) {
    bars.push(`>= ${bar.peer} x peer`);
    if (toPeer !== null) met = (met ?? true) && toPeer >= bar.peer;
  }
  return {
    name,
    min_ns: sona.min,
    median_ns: sona.median,
    ratio_to_floor: ratio(sona, floor),
    ratio_to_plain: ratio(plain, sona),
    ratio_to_peer: toPeer,
    bar: bars.length > 0 ? bars.join(', ') : null,
    met: options.short ? null : met,
  };
}

function verdict(met: boolean | null): string {
  return met === null ? '' : met ? 'met' : 'missed';
}

function nanos(value: number): string {
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}

function times(ratio: number | null): string {
  return ratio === null ? '-' : ratio.toFixed(ratio < 10 ? 2 : 0);
}

function amount(value: number, unit: string): string {
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(2)} ${unit}`;
}

function line(name: string, cells: string[], bar: string, met: string): string {
  return `${name.padEnd(42)}${cells.map((cell) => cell.padStart(14)).join('')}   ${bar.padEnd(26)}${met}`.trimEnd();
}
