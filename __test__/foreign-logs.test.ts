// Logs of other systems: the Open Bandit Dataset's CSV, Vowpal Wabbit's text and JSON.
import { describe, expect, it } from 'vitest';
import { Random } from '../bench/lib/random.mts';
import { evaluatePolicy, readLog, readOpenBandit, readVowpalWabbit, writeLog } from '../index.ts';
import { pieces, readFeatures } from './support/decisions.ts';
import { refusal } from './support/errors.ts';

const header = ',timestamp,item_id,position,click,propensity_score,user_feature_0,user-item_affinity_0';
const bandit = `${header}
0,2019-11-24 00:00:17.004101+00:00,7,3,0,0.0125,81ce123cbb5bd8ce818f60fb3586bba5,0.0
1,2019-11-24 00:00:20.500000+00:00,12,1,1,0.25,4ae385d792f81dde128124a925a830de,2.0
`;

describe('Open Bandit', () => {
  it('is a decision per row, with the choice alone', () => {
    const [first, second] = readOpenBandit(bandit);
    expect(first).toMatchObject({
      v: 1,
      id: 1,
      at: Date.UTC(2019, 10, 24, 0, 0, 17, 4),
      model: '7',
      propensity: 0.0125,
      metadata: { position: '3' },
      outcome: { quality: 0 },
    });
    expect(first).not.toHaveProperty('eligible');
    expect(first).not.toHaveProperty('propensities');
    expect(second).toMatchObject({ model: '12', propensity: 0.25, outcome: { quality: 1 } });
  });

  it('takes columns in any order, quotes, other line ends, and what is not there', () => {
    const text =
      'click,item_id,propensity_score,"a ""b"""\r\n1,"x, y",1,"two\nlines"\r\n\r\n0,z,0.5,"""q"""\r\n';
    const records = readOpenBandit(text, { eligible: ['x, y', 'z'] });
    expect(records.map(({ model, outcome, at }) => [model, outcome?.quality, at])).toEqual([
      ['x, y', 1, 0],
      ['z', 0, 0],
    ]);
    expect(records[0]?.eligible).toEqual(['x, y', 'z']);
    expect(readOpenBandit(`${header}\n`)).toEqual([]);
    expect(readOpenBandit('')).toEqual([]);
  });

  it('reads quotes that stay open line by line', async () => {
    // to look at all of it again with each line would take hours
    const rest = '1,0,0.5\n'.repeat(400_000);
    const error = await refusal(() => readOpenBandit(`item_id,click,propensity_score\n"${rest}`));
    expect(error.message).toMatch(/^line 2: expected a row whose quotes are closed, got "1,0,0.5/);
    const [record] = readOpenBandit(`item_id,click,propensity_score,u\n1,0,0.5,"${rest}"\r\n`);
    expect(record?.model).toBe('1');
  });

  it('takes cells in quotes as they are', () => {
    const items = (...cells: string[]) =>
      readOpenBandit(
        `item_id,click,propensity_score\n${cells.map((cell) => `${cell},1,1\r\n`).join('')}`,
      ).map(({ model }) => model);
    expect(items('"a"', '"a""b"', '""""', '"a\r\n\n,b"', '" a "', 'a b')).toEqual([
      'a',
      'a"b',
      '"',
      'a\r\n\n,b',
      ' a ',
      'a b',
    ]);
    const last = readOpenBandit('click,propensity_score,item_id\n1,1,"a"\r\n1,1,"b\r"\n1,1,"c"');
    expect(last.map(({ model }) => model)).toEqual(['a', 'b\r', 'c']);
    // a byte order mark before the first quote
    const marked = readOpenBandit('\uFEFF"item_id","click","propensity_score"\n"a","1","1"');
    expect(marked.map(({ model }) => model)).toEqual(['a']);
  });

  it('makes features of its context', () => {
    const rows = (a: string, b: string) =>
      readOpenBandit(`item_id,click,propensity_score,u,v\n1,0,.5,${a}\n1,0,.5,${b}`);
    const features = (a: string, b: string) =>
      rows(a, b).map((record) => readFeatures(record.features as string));
    const [same, also] = features('red,1', 'red,1');
    expect(same).toEqual(also);
    expect(Math.hypot(...(same as number[]))).toBeCloseTo(1, 6);
    const [one, other] = features('red,1', 'blue,1');
    expect(one).not.toEqual(other);
    const [low, high] = features('red,1', 'red,2');
    expect(low).not.toEqual(high);
    expect(readOpenBandit(bandit, { features: false })[0]).not.toHaveProperty('features');
  });

  it('reads from pieces, bytes and lines', async () => {
    const whole = readOpenBandit(bandit);
    expect(readOpenBandit(bandit.split('\n'))).toEqual(whole);
    for (const size of [1, 5, 50]) expect(await readOpenBandit(pieces(bandit, size))).toEqual(whole);
    async function* lines() {
      yield* bandit.trimEnd().split('\n');
    }
    expect(await readOpenBandit(lines())).toEqual(whole);
    async function* bytes() {
      yield new TextEncoder().encode(bandit);
    }
    expect(await readOpenBandit(bytes())).toEqual(whole);
  });

  it('is evaluated as what it is', async () => {
    // ten items at random; the value of each is known
    const random = new Random(5);
    const items = Array.from({ length: 10 }, (_, i) => String(i));
    const value = (item: number) => 0.05 + 0.08 * item;
    const rows = Array.from({ length: 8_000 }, (_, i) => {
      const item = Math.floor(random.uniform() * 10);
      const click = random.uniform() < value(item) ? 1 : 0;
      return `${i},2019-11-24 00:00:17.004101+00:00,${item},1,${click},0.1,u${i % 7},0`;
    });
    const log = readOpenBandit([header, ...rows]);
    for (const item of [0, 4, 9]) {
      const { snips, dr, support } = evaluatePolicy(log, { model: String(item) });
      expect(support).toBe(1);
      for (const { value: got, standardError } of [snips, dr]) {
        expect(Math.abs(got - value(item))).toBeLessThan(4 * standardError);
      }
    }
    expect((await refusal(() => evaluatePolicy(log, 'uniform'))).message).toContain(
      "the policy 'uniform' needs",
    );
    const told = readOpenBandit([header, ...rows], { eligible: items });
    const uniform = evaluatePolicy(told, 'uniform');
    expect(uniform.ips.value).toBeCloseTo(uniform.loggedReward, 9);
    // both parts of a log in two files
    expect(evaluatePolicy([...told, ...told], 'uniform').rounds).toBe(16_000);
    expect(readLog(writeLog(told))).toEqual(told);
  });

  it.each<[string, string, string]>([
    ['no header', '1,2,3\n', 'line 1: expected a header with the column item_id'],
    ['no propensity', 'item_id,click\n', 'line 1: expected a header with the column propensity_score'],
    ['too few cells', `${header}\n1,2\n`, 'line 2: expected 8 cells'],
    ['a word', 'item_id,click,propensity_score\n1,0,high', 'line 2: propensity_score: expected a number'],
    ['nothing', 'item_id,click,propensity_score\n1,,0.5', 'line 2: click: expected a number'],
    [
      'a probability of 0',
      'item_id,click,propensity_score\n\n1,0,0',
      'line 3: propensity: expected a number above 0',
    ],
    [
      'a click of 2',
      'item_id,click,propensity_score\n1,2,0.5',
      'line 2: outcome.quality: expected a number from 0 to 1',
    ],
    [
      'another time',
      'item_id,click,propensity_score,timestamp\n1,0,0.5,now',
      'line 2: timestamp: expected a time',
    ],
    [
      'an open quote',
      'item_id,click,propensity_score\n"1,0,0.5\n',
      'line 2: expected a row whose quotes are closed',
    ],
    [
      'a quote inside a cell',
      'item_id,click,propensity_score\n1,0,0.5\n1",0,0.5\n',
      'line 3: expected quotes around whole cells',
    ],
    [
      'more behind a quote',
      'item_id,click,propensity_score\n"1\n2"3,0,0.5\n',
      'line 2: expected quotes around whole cells',
    ],
  ])('refuses %s', async (_, text, begin) => {
    const error = await refusal(() => readOpenBandit(text));
    expect(error.message.startsWith(begin) || error.message).toBe(true);
    const later = await refusal(() => readOpenBandit(pieces(text, 3)));
    expect(later.message).toBe(error.message);
  });
});

describe('Vowpal Wabbit', () => {
  it('is a decision per line with --cb', () => {
    const records = readVowpalWabbit("1:-1:0.4 | a c:2\n3:0:0.2 'x|user b |time c\n2:-0.5:1\n\n| no label\n");
    expect(records.map(({ model, propensity, outcome }) => [model, propensity, outcome?.quality])).toEqual([
      ['1', 0.4, 1],
      ['3', 0.2, 0],
      ['2', 1, 0.5],
    ]);
    expect(records[1]?.metadata).toEqual({ tag: 'x' });
    expect(records[0]).not.toHaveProperty('eligible');
    const [told] = readVowpalWabbit('1:-1:0.4 | a', { eligible: ['1', '2'] });
    expect(told?.eligible).toEqual(['1', '2']);
    const features = (text: string) => readVowpalWabbit(`1:-1:0.4 ${text}`)[0]?.features;
    expect(features('|u a b')).toBe(features('|u b a:1'));
    expect(features('|u:2 a b')).toBe(features('|u a:2 b:2'));
    expect(features('|u a')).not.toBe(features('|v a'));
    expect(features('| a:2 b')).not.toBe(features('| a b'));
  });

  it('takes the actions of a line that lists them as the eligible', async () => {
    const records = readVowpalWabbit('1 2:-1:0.4 4 | a\n1 2 3 | b\n3:0:0.2 | c\n', {
      eligible: ['1', '2', '3', '4'],
    });
    expect(records.map(({ model, eligible }) => [model, eligible])).toEqual([
      ['2', ['1', '2', '4']],
      ['3', ['1', '2', '3', '4']],
    ]);
  });

  it('tells tags from labels', () => {
    const tags = (text: string) => readVowpalWabbit(text).map(({ metadata }) => metadata?.tag);
    expect(tags("1:-1:0.5 'a:b:c | x\n1:-1:0.5 user:7|x\n1:-1:0.5 t|x\n1:-1:0.5 '|x\n1:-1:0.5 | x")).toEqual([
      'a:b:c',
      'user:7',
      't',
      '',
      undefined,
    ]);
    expect(readVowpalWabbit("shared 'e1| a\n0:-1:0.5 | b\n1 | c\n")[0]).toMatchObject({
      metadata: { tag: 'e1' },
      eligible: ['1', '2'],
    });
  });

  it('takes values that are words as words', () => {
    const features = (text: string) => readVowpalWabbit(`1:-1:0.4 ${text}`)[0]?.features;
    expect(features('|u city:oslo')).not.toBe(features('|u city:rome'));
    expect(features('|u city:oslo')).not.toBe(features('|u'));
    expect(features('|u at:12:30')).not.toBe(features('|u at:12:45'));
    expect(features('|u:2 city:oslo')).toBe(features('|u city:oslo'));
    // no character has an escape
    expect(features('|u a\\ b')).toBe(features('|u a\\:1 b:1'));
    expect(features('|u a|v b')).toBe(features('|u a |v b'));
  });

  it('is a decision per block with --cb_adf', async () => {
    const text = `shared |user a b
0:-0.25:0.5 |action x
|action y

shared |user c
|action x
|action y
0:-1:0.125 |action z

shared |user d
|action x
`;
    const records = readVowpalWabbit(text);
    expect(
      records.map(({ model, eligible, propensity, outcome }) => [
        model,
        eligible,
        propensity,
        outcome?.quality,
      ]),
    ).toEqual([
      ['1', ['1', '2'], 0.5, 0.25],
      ['3', ['1', '2', '3'], 0.125, 1],
    ]);
    const unshared = text.replaceAll(/shared.*\n/g, '');
    const without = readVowpalWabbit(unshared, { format: 'cb_adf' });
    expect(without.map(({ model }) => model)).toEqual(['1', '3']);
    for (const size of [1, 9]) expect(await readVowpalWabbit(pieces(text, size))).toEqual(records);
    async function* lines() {
      yield* text.split('\n');
    }
    expect(await readVowpalWabbit(lines())).toEqual(records);
  });

  const event = (parts: object = {}) => ({
    _label_cost: -1,
    _label_probability: 0.800000011920929,
    _label_Action: 2,
    _labelIndex: 1,
    Timestamp: '2021-07-29T10:00:00.999Z',
    Version: '1',
    EventId: 'e1',
    a: [2, 1, 3],
    c: { user: { age: 3, city: 'x' }, _multi: [{ T: { v: 1 } }, { T: { v: 2 } }, { T: { v: 3 } }] },
    p: [0.800000011920929, 0.10000000149011612, 0.10000000149011612],
    ...parts,
  });
  const jsonl = (...events: object[]) => events.map((each) => JSON.stringify(each)).join('\n');

  it('is an event per line with dsjson, with all probabilities', async () => {
    // without a zone it is UTC, wherever it is read
    const bare = event({
      EventId: undefined,
      p: undefined,
      a: undefined,
      Timestamp: '2021-07-29 10:00:00.999',
    });
    const text = jsonl(event(), event({ EventId: 'e2', _skipLearn: true }), { EventId: 'e1', v: 1 }, bare);
    const records = readVowpalWabbit(text);
    expect(records).toHaveLength(3);
    expect(records[0]).toMatchObject({
      v: 2,
      id: 'e1',
      at: Date.UTC(2021, 6, 29, 10, 0, 0, 999),
      mode: 'apply',
      model: '2',
      eligible: ['2', '1', '3'],
      propensities: event().p,
      outcome: { quality: 1 },
    });
    expect(records[1]?.mode).toBe('observe');
    expect(records[2]).toMatchObject({ v: 1, at: records[0]?.at, eligible: ['1', '2', '3'] });
    expect(records[2]).not.toHaveProperty('propensities');
    expect(readLog(writeLog(records))).toEqual(records);
    for (const size of [1, 50]) expect(await readVowpalWabbit(pieces(text, size))).toEqual(records);
    async function* lines() {
      yield* text.split('\n');
    }
    expect(await readVowpalWabbit(lines())).toEqual(records);
  });

  it('makes features of words in _text, and of nothing else with an underscore', () => {
    const features = (user: object) =>
      readVowpalWabbit(jsonl(event({ c: { user, _multi: [{}, {}, {}] } })))[0]?.features;
    expect(features({ _text: 'red  fox' })).toBe(features({ red: 1, fox: true }));
    expect(features({ _note: 'red fox' })).toBe(features({}));
  });

  it('reads a long line from small pieces, each once', async () => {
    // to look at all of it again with each piece would take hours
    const words = Array.from({ length: 40_000 }, (_, n) => `f${n}`).join(' ');
    expect(await readVowpalWabbit(pieces(`1:-1:0.5 | ${words}\n`, 1))).toHaveLength(1);
  });

  it('has a quality of any cost, when told', () => {
    const quality = (cost: number) => 1 - cost / 4;
    const [record] = readVowpalWabbit('1:2:0.4 | a c', { quality });
    expect(record?.outcome?.quality).toBe(0.5);
  });

  it('is evaluated as what it is', () => {
    const random = new Random(6);
    const lines = Array.from({ length: 6_000 }, () => {
      const action = 1 + Math.floor(random.uniform() ** 2 * 3);
      const probability = [0.5773502691896257, 0.23914631, 0.18350342][action - 1];
      return `${action}:${random.uniform() < 0.2 * action ? -1 : 0}:${probability} | x`;
    });
    const log = readVowpalWabbit(lines, { eligible: ['1', '2', '3'] });
    for (const [policy, value] of [[{ model: '3' }, 0.6] as const, ['uniform', 0.4] as const]) {
      const { dr, snips, warnings } = evaluatePolicy(log, policy);
      expect(warnings).toEqual([]);
      for (const got of [dr, snips]) expect(Math.abs(got.value - value)).toBeLessThan(4 * got.standardError);
    }
  });

  it.each<[string, string, string]>([
    ['a cost above 0', '1:2:0.4 | a', 'line 1: cost: expected a number from -1 to 0, or the option quality'],
    ['no probability', '\n1:-1 | a', 'line 2: expected a label of the form action:cost:probability'],
    ['a word', '1:low:0.4 | a', 'line 1: cost: expected a number'],
    ['two labels', '1:-1:0.4 2:-1:0.4 | a', 'line 1: expected one label'],
    ['two labels of a block', 'shared | a\n0:-1:0.4 | b\n0:-1:0.4 | c\n', 'line 3: expected no label'],
    ['a probability of 2', '1:-1:2 | a', 'line 1: propensity: expected a number above 0'],
    ['broken JSON', '{"c":\n', 'line 1: expected a JSON object'],
    [
      'an action that is none',
      jsonl(event({ _label_Action: 4 })),
      'line 1: _label_Action: expected an integer from 1 to 3',
    ],
    ['what was dropped', jsonl(event({ pdrop: 0.5 })), 'line 1: pdrop: expected 0'],
    [
      'slots',
      jsonl(event({ c: { _multi: [], _slots: [] } })),
      'line 1: c._multi: expected a list of actions',
    ],
    [
      'no probability',
      jsonl(event({ _label_probability: undefined })),
      'line 1: _label_probability: expected a number',
    ],
    [
      'more probabilities than actions',
      jsonl(event(), event({ EventId: 'e2', a: [2, 1] })),
      'line 2: p.length: expected 2, as many as in a',
    ],
    ['probabilities of no actions', jsonl(event({ a: undefined })), 'line 1: p.length: expected 0'],
    ['actions that are no list', jsonl(event({ a: 2 })), 'line 1: a: expected a list of actions'],
    ['probabilities that are no list', jsonl(event({ p: 1 })), 'line 1: p: expected a list of numbers'],
    ['outcomes of slots', jsonl(event({ _outcomes: [] })), 'line 1: _outcomes: expected no slots'],
    ['continuous actions as JSON', jsonl({ _label_ca: {}, c: {} }), 'line 1: _label_ca: expected no slots'],
    ['continuous actions', 'ca 185.1:0.6:0.5 | a', 'line 1: expected no slots, no continuous actions'],
    ['another time', jsonl(event({ Timestamp: 5 })), 'line 1: Timestamp: expected a time'],
    ['slots as text', 'ccb shared | a\n', 'line 1: expected no slots'],
    ['a label that touches the bar', '1:-1:0.4|a', 'line 1: expected a space between label and bar'],
    ['shared that touches the bar', 'shared|a\n', 'line 1: expected a space between label and bar'],
    ['shared with an action', 'shared 1:0:0.5 | a\n', 'line 1: expected no action beside shared'],
    ['two that are shared', 'shared | a\n0:-1:0.4 | b\nshared | a\n', 'line 3: expected a blank line'],
    ['shared behind an action', 'shared | a\n\n0:0:1 | b\nshared | a\n', 'line 4: expected a blank line'],
    ['two actions of one line', 'shared | a\n1 2:0:0.5 | b\n', 'line 2: expected one action'],
    ['shared in the wrong format', '1:0:0.5 | a\nshared | b\n', 'line 2: expected actions from 1'],
    [
      'the action 0',
      '0:-1:0.5 | a\n| b\n',
      'line 1: expected actions from 1; a line per action is the format',
    ],
    ['an empty action', ':-1:0.4 | a', 'line 1: expected a label of the form action:cost:probability'],
    ['a scale that is no number', '1:-1:0.4 |u:x a', 'line 1: scale of u: expected a number'],
    ['another probability', jsonl(event({ _label_probability: 0.5 })), 'line 1: propensity: expected 0.8'],
  ])('refuses %s', async (_, text, begin) => {
    const error = await refusal(() => readVowpalWabbit(text));
    expect(error.message.startsWith(begin) || error.message).toBe(true);
  });

  it.each<[object, string]>([
    [{ format: 'csv' }, 'options.format'],
    [{ quality: 1 }, 'options.quality'],
    [{ eligible: '1' }, 'options.eligible'],
    [{ features: 'no' }, 'options.features'],
    [{ cost: 1 }, 'options.cost'],
  ])('refuses the options %o', async (options, argument) => {
    const error = await refusal(() => readVowpalWabbit('', options as never));
    expect(error.details.argument).toBe(argument);
    const later = await refusal(() => readVowpalWabbit(pieces('', 1), options as never));
    expect(later.details.argument).toBe(argument);
  });
});
