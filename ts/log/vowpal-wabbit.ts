import { invalidArgument, outOfRange } from '../base/errors.ts';
import { checkInteger, checkNumber, checkUnitInterval } from '../base/vectors.ts';
import { checkFields, checkRecord, type DecisionRecord } from './decision-record.ts';
import {
  checkForeignLogOptions,
  Features,
  type ForeignLogOptions,
  foreignRecord,
  numberOf,
  timeOf,
} from './foreign.ts';
import { type LineReader, parseObject, read, type TextLines, type TextStream } from './lines.ts';

/** Options of `readVowpalWabbit`. */
export interface VowpalWabbitOptions extends ForeignLogOptions {
  /**
   * `'cb'`: a decision per line, `action:cost:probability | features`. `'cb_adf'`: a line per action and one that is `shared`, up to a
   * blank one. `'dsjson'`: a JSON object per line. Default: what the first line looks like.
   */
  format?: 'cb' | 'cb_adf' | 'dsjson' | undefined;
  /** Quality of an answer by its cost, 0 to 1. Default: minus the cost, which must then lie between -1 and 0. */
  quality?: ((cost: number) => number) | undefined;
}

/**
 * Reads a log of contextual bandits in the formats of Vowpal Wabbit. Models are the numbers of the actions, from `'1'`. The text formats
 * know the probability of the choice alone; `'cb_adf'` says which actions were eligible, as does a line of `'cb'` that lists them
 * (`1 2:-1:0.5 3 | features`), and `'dsjson'` also their probabilities. Examples without a cost are passed over. Continuous actions and
 * slots are refused.
 *
 * ```ts
 * readVowpalWabbit('1:-1:0.5 | user:1 evening\n2:0:0.25 | user:0\n', { eligible: ['1', '2', '3'] });
 * ```
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_OUT_OF_RANGE` or `SONA_NOT_FINITE`, naming line and part.
 */
export function readVowpalWabbit(log: TextLines, options?: VowpalWabbitOptions): DecisionRecord[];
export function readVowpalWabbit(log: TextStream, options?: VowpalWabbitOptions): Promise<DecisionRecord[]>;
export function readVowpalWabbit(
  log: TextLines | TextStream,
  options: VowpalWabbitOptions = {},
): DecisionRecord[] | Promise<DecisionRecord[]> {
  return read('log', log, () => new VowpalWabbit(options));
}

const formats = ['cb', 'cb_adf', 'dsjson'] as const;

type Format = (typeof formats)[number];

/** An action that was chosen, and what came of it. */
interface Label {
  readonly action: string;
  readonly cost: number;
  readonly propensity: number;
}

/** A line of text, taken apart. */
interface Example {
  readonly at: string;
  readonly shared: boolean;
  /** Actions before the bar. */
  readonly actions: readonly string[];
  /** The one of them that has a cost. */
  readonly label: Label | undefined;
  readonly tag: string | undefined;
  readonly features: string;
}

class VowpalWabbit implements LineReader<DecisionRecord[]> {
  readonly #options: VowpalWabbitOptions;
  readonly #records: DecisionRecord[] = [];
  #format: Format | undefined;
  /** Lines of a decision that has not ended. */
  #block: Example[] = [];

  constructor(options: VowpalWabbitOptions) {
    checkForeignLogOptions(options, ['format', 'quality']);
    const { format, quality } = options;
    if (format !== undefined && !formats.includes(format)) {
      throw invalidArgument('options.format', "'cb', 'cb_adf' or 'dsjson'", format);
    }
    if (quality !== undefined && typeof quality !== 'function') {
      throw invalidArgument('options.quality', 'a function', quality);
    }
    this.#options = options;
    this.#format = format;
  }

  line(line: string, number: number): void {
    const at = `line ${number}`;
    const text = line.replace(/^\uFEFF/, '').trim();
    if (text === '') {
      this.#endBlock();
      return;
    }
    this.#format ??= text.startsWith('{') ? 'dsjson' : /^shared\b/.test(text) ? 'cb_adf' : 'cb';
    if (this.#format === 'dsjson') this.#json(at, text);
    else if (this.#format === 'cb_adf') this.#adf(exampleOf(at, text));
    else this.#single(exampleOf(at, text));
  }

  get json(): boolean {
    return this.#format === undefined || this.#format === 'dsjson';
  }

  end(): DecisionRecord[] {
    this.#endBlock();
    return this.#records;
  }

  #single({ at, shared, actions, label, tag, features }: Example): void {
    if (shared || actions.includes('0')) {
      const expected = "actions from 1; a line per action is the format 'cb_adf'";
      throw invalidArgument(at, expected, shared ? 'shared' : '0');
    }
    if (!label) return;
    // listed where not all could be chosen
    const eligible = actions.length > 1 ? actions : this.#options.eligible;
    this.#push(at, label, { eligible, tag, features: this.#textFeatures(at, features) });
  }

  #adf(example: Example): void {
    const { at, shared, actions } = example;
    if (shared && this.#block.length > 0) {
      throw invalidArgument(at, 'a blank line before the next decision', 'shared');
    }
    if (actions.length > 1) throw invalidArgument(at, 'one action', actions);
    this.#block.push(example);
  }

  #endBlock(): void {
    const block = this.#block;
    this.#block = [];
    const shared = block.find((example) => example.shared);
    const actions = block.filter((example) => !example.shared);
    const labelled = actions.filter(({ label }) => label !== undefined);
    if (labelled.length > 1) {
      throw invalidArgument((labelled[1] as Example).at, 'no label, as another action has one', 'a label');
    }
    const [chosen] = labelled;
    if (!chosen?.label) return;
    // its own number is of no meaning in this format
    const action = String(actions.indexOf(chosen) + 1);
    this.#push(
      chosen.at,
      { ...chosen.label, action },
      {
        eligible: actions.map((_, i) => String(i + 1)),
        tag: shared?.tag ?? chosen.tag,
        features: shared && this.#textFeatures(shared.at, shared.features),
      },
    );
  }

  #json(at: string, text: string): void {
    const event = parseObject(at, text);
    const { c: context, EventId: id, Timestamp: timestamp } = event;
    for (const field of ['_outcomes', '_label_ca']) {
      if (field in event)
        throw invalidArgument(`${at}: ${field}`, 'no slots, no continuous actions', event[field]);
    }
    // what was observed later of an event that stands elsewhere
    if (context === undefined || event._label_cost === undefined) return;
    checkFields(`${at}: c`, context);
    const actions = context._multi;
    if (!Array.isArray(actions) || '_slots' in context) {
      throw invalidArgument(`${at}: c._multi`, 'a list of actions, and no slots', actions);
    }
    const { pdrop = 0, _label_Action: action, _skipLearn: skipped } = event;
    if (pdrop !== 0)
      throw invalidArgument(`${at}: pdrop`, '0: decisions that were dropped cannot be made up for', pdrop);
    const name = (part: unknown, field: string) => {
      checkInteger(`${at}: ${field}`, part, 1, actions.length);
      return String(part);
    };
    const numbers = { cost: event._label_cost, propensity: event._label_probability };
    checkNumber(`${at}: _label_cost`, numbers.cost);
    checkNumber(`${at}: _label_probability`, numbers.propensity);
    const { a: order, p: propensities } = event;
    if (order !== undefined && !Array.isArray(order)) {
      throw invalidArgument(`${at}: a`, 'a list of actions', order);
    }
    if (propensities !== undefined && !Array.isArray(propensities)) {
      throw invalidArgument(`${at}: p`, 'a list of numbers', propensities);
    }
    if (propensities && propensities.length !== order?.length) {
      throw outOfRange(`${at}: p.length`, `${order?.length ?? 0}, as many as in a`, propensities.length);
    }
    this.#push(
      at,
      { action: name(action, '_label_Action'), cost: numbers.cost, propensity: numbers.propensity },
      {
        id: typeof id === 'string' && id !== '' ? id : undefined,
        time: timestamp === undefined ? 0 : timeOf(`${at}: Timestamp`, timestamp),
        eligible: order?.map((part, i) => name(part, `a[${i}]`)) ?? actions.map((_, i) => String(i + 1)),
        propensities,
        observed: skipped === true,
        features: this.#options.features === false ? undefined : jsonFeatures(context),
      },
    );
  }

  #textFeatures(at: string, text: string): Features | undefined {
    return this.#options.features === false ? undefined : textFeatures(at, text);
  }

  #push(at: string, { action, cost, propensity }: Label, parts: Parts): void {
    const { id, time = 0, tag, eligible, propensities, features, observed } = parts;
    const record = foreignRecord({
      id: id ?? this.#records.length + 1,
      at: time,
      source: 'vowpal-wabbit',
      mode: observed ? 'observe' : 'apply',
      model: action,
      propensity,
      eligible,
      propensities,
      features,
      quality: this.#quality(at, cost),
      ...(tag !== undefined && { metadata: { tag } }),
    });
    checkRecord(at, record);
    this.#records.push(record);
  }

  #quality(at: string, cost: number): number {
    const { quality } = this.#options;
    if (quality) {
      const value: unknown = quality(cost);
      checkUnitInterval(`${at}: quality of the cost ${cost}`, value);
      return value;
    }
    if (cost <= 0 && cost >= -1) return Math.abs(cost);
    throw outOfRange(`${at}: cost`, 'a number from -1 to 0, or the option quality', cost);
  }
}

/** What stands beside a label. */
interface Parts {
  readonly id?: string | undefined;
  readonly time?: number | undefined;
  readonly tag?: string | undefined;
  readonly eligible?: readonly string[] | undefined;
  readonly propensities?: readonly number[] | undefined;
  readonly features?: Features | undefined;
  readonly observed?: boolean | undefined;
}

/** `label tag|namespace feature:value ...` */
function exampleOf(at: string, text: string): Example {
  const bar = text.indexOf('|');
  const head = bar < 0 ? text : text.slice(0, bar);
  const words = head.trim() === '' ? [] : head.trim().split(/\s+/);
  // a tag touches the bar or begins with a quote
  const tagged = words.at(-1)?.startsWith("'") || (bar > 0 && !/\s$/.test(head));
  const tag = tagged ? words.pop() : undefined;
  if (tag && words.length === 0 && /^(shared$|[^':]+:.*:)/.test(tag)) {
    throw invalidArgument(at, 'a space between label and bar', tag);
  }
  const shared = words[0] === 'shared';
  const others = shared ? words.slice(1) : words;
  if (shared && others.length > 0) throw invalidArgument(at, 'no action beside shared', others[0]);
  if (/^(ca|ccb|slates)$/.test(others[0] ?? '')) {
    throw invalidArgument(at, 'no slots, no continuous actions', others[0]);
  }
  const labels = others.flatMap((word) => labelOf(at, word) ?? []);
  if (labels.length > 1) {
    const chosen = labels.map(({ action }) => action).join(' and ');
    throw invalidArgument(at, 'one label with a cost', chosen);
  }
  return {
    at,
    shared,
    actions: others.map((word) => word.split(':', 1)[0] as string),
    label: labels[0],
    tag: tag?.replace(/^'/, ''),
    features: bar < 0 ? '' : text.slice(bar),
  };
}

/** `action:cost:probability`; undefined for an action alone, of which nothing is known. */
function labelOf(at: string, text: string): Label | undefined {
  const [action = '', cost, propensity, ...more] = text.split(':');
  if (action !== '' && cost === undefined) return undefined;
  if (action === '' || cost === undefined || propensity === undefined || more.length > 0) {
    throw invalidArgument(at, 'a label of the form action:cost:probability', text);
  }
  return {
    action,
    cost: numberOf(`${at}: cost`, cost),
    propensity: numberOf(`${at}: probability`, propensity),
  };
}

/** `|namespace:scale name name:number name:text ...`, several times. No character has an escape. */
function textFeatures(at: string, text: string): Features {
  const features = new Features();
  features.add('', 1);
  for (const part of text.split('|').slice(1)) {
    const words = part.trim() === '' ? [] : part.trim().split(/\s+/);
    const [space, scale] = /^\s|^$/.test(part) ? [''] : pairOf(words.shift() ?? '');
    const factor = scale === undefined ? 1 : numberOf(`${at}: scale of ${space}`, scale);
    for (const word of words) {
      const [name, value] = pairOf(word);
      features.addText(`${space}^${name}`, value ?? '1', factor);
    }
  }
  return features;
}

/** What stands before the first colon, and what behind it. */
function pairOf(word: string): [string, string?] {
  const colon = word.indexOf(':');
  return colon < 0 ? [word] : [word.slice(0, colon), word.slice(colon + 1)];
}

/** Everything but what begins with an underscore (actions, slots and notes), save for `_text`, whose words are features. */
function jsonFeatures(context: Record<string, unknown>): Features {
  const features = new Features();
  features.add('', 1);
  const walk = (name: string, value: unknown): void => {
    if (typeof value === 'number' || typeof value === 'boolean') features.add(name, Number(value));
    else if (typeof value === 'string') features.add(`${name}=${value}`, 1);
    else if (Array.isArray(value)) for (const [i, part] of value.entries()) walk(`${name}[${i}]`, part);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, part] of Object.entries(value)) {
        if (!key.startsWith('_')) walk(`${name}^${key}`, part);
        else if (key === '_text' && typeof part === 'string') {
          for (const word of part.split(/\s+/)) if (word !== '') features.add(`${name}^${word}`, 1);
        }
      }
    }
  };
  walk('', context);
  return features;
}
