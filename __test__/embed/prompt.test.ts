// What the human said last, in the forms of every library, and what is left out.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChatMessages, promptOf } from '../../embed.ts';
import * as main from '../../index.ts';
import { refusal } from '../support/errors.ts';

/** How each library writes a turn of its user, of its assistant, and what a tool gave back. */
const dialects: Record<string, { human: (text: string) => object; others: object[] }> = {
  'OpenAI chat': {
    human: (text) => ({ role: 'user', content: text }),
    others: [
      { role: 'system', content: 'Be brief.' },
      { role: 'developer', content: 'Be brief.' },
      { role: 'assistant', content: null, tool_calls: [{ id: '1', type: 'function', function: {} }] },
      { role: 'tool', tool_call_id: '1', content: 'tool output' },
      { role: 'function', name: 'f', content: 'tool output' },
    ],
  },
  'OpenAI chat, parts': {
    human: (text) => ({
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'data:,' } },
        { type: 'text', text },
      ],
    }),
    others: [{ role: 'assistant', content: [{ type: 'text', text: 'an answer' }] }],
  },
  'OpenAI responses': {
    human: (text) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] }),
    others: [
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'a thought' }] },
      { type: 'function_call', call_id: '1', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: '1', output: 'tool output' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'an answer' }] },
    ],
  },
  Anthropic: {
    human: (text) => ({
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: '1', content: [{ type: 'text', text: 'tool output' }] },
        { type: 'text', text },
        { type: 'image', source: { type: 'url', url: 'data:,' } },
      ],
    }),
    others: [
      { role: 'assistant', content: [{ type: 'tool_use', id: '1', name: 'f', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: '1', content: 'tool output' }] },
      { role: 'user', content: [{ type: 'document', source: { type: 'text', data: 'a file' } }] },
    ],
  },
  'AI SDK, UI messages': {
    human: (text) => ({ id: '1', role: 'user', parts: [{ type: 'text', text }] }),
    others: [
      { id: '2', role: 'assistant', parts: [{ type: 'text', text: 'an answer' }] },
      { id: '3', role: 'user', parts: [{ type: 'file', mediaType: 'text/plain', url: 'data:,' }] },
      { id: '4', role: 'user', parts: [{ type: 'data-note', data: { text: 'a note' } }] },
    ],
  },
  'AI SDK, content beside parts': {
    human: (text) => ({ role: 'user', content: '', parts: [{ type: 'text', text }] }),
    others: [{ role: 'assistant', content: 'an answer', parts: [] }],
  },
  'AI SDK, model messages': {
    human: (text) => ({ role: 'user', content: [{ type: 'text', text }] }),
    others: [
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: '1', toolName: 'f', input: {} }] },
      {
        role: 'tool',
        content: [{ type: 'tool-result', toolCallId: '1', output: { type: 'text', value: 'x' } }],
      },
    ],
  },
  LangChain: {
    human: (text) => new (langChain('human'))(text),
    others: ['ai', 'system', 'tool', 'function'].map((type) => new (langChain(type))('not this')),
  },
  'LangChain before version 1': {
    human: (text) => ({ content: text, _getType: () => 'human' }),
    others: [{ content: 'an answer', _getType: () => 'ai' }],
  },
  'LangChain, by type': {
    human: (text) => ({ type: 'human', content: [{ type: 'text', text }] }),
    others: [
      { type: 'ai', content: 'an answer' },
      { type: 'tool', content: 'tool output', tool_call_id: '1' },
    ],
  },
  'LangChain, stored': {
    human: (text) => ({ type: 'human', data: { content: text, additional_kwargs: {} } }),
    others: [{ type: 'ai', data: { content: 'an answer' } }],
  },
  'LangChain, serialised': {
    human: (text) => serialised('HumanMessage', text),
    others: ['AIMessage', 'SystemMessage', 'ToolMessage'].map((name) => serialised(name, 'not this')),
  },
  Gemini: {
    human: (text) => ({
      role: 'user',
      parts: [{ inlineData: { mimeType: 'image/png', data: '' } }, { text }],
    }),
    others: [
      { role: 'model', parts: [{ functionCall: { name: 'f', args: {} } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'f', response: { text: 'tool output' } } }] },
      { role: 'model', parts: [{ text: 'an answer' }] },
    ],
  },
  'Gemini without a role': { human: (text) => ({ parts: [{ text }] }), others: [] },
};

/** A message class as LangChain's: its type by a method. */
function langChain(type: string) {
  return class {
    readonly lc_serializable = true;
    readonly content: string;
    constructor(content: string) {
      this.content = content;
    }
    getType(): string {
      return type;
    }
  };
}

function serialised(name: string, content: string): object {
  return { lc: 1, type: 'constructor', id: ['langchain_core', 'messages', name], kwargs: { content } };
}

describe.each(Object.entries(dialects))('%s', (_, { human, others }) => {
  it('the newest turn of the human', () => {
    const first = human('What is the first?');
    expect(promptOf([first])).toBe('What is the first?');
    expect(promptOf([...others, first, ...others])).toBe('What is the first?');
    expect(promptOf([first, ...others, human('  And the second?\n')])).toBe('And the second?');
    expect(promptOf([first, ...others, human(' \n'), ...others])).toBe('What is the first?');
  });

  it('nothing without one', () => {
    expect(promptOf(others)).toBe('');
    expect(promptOf([...others, human('')])).toBe('');
  });

  it('without reminders', () => {
    const reminder = '<system-reminder>\nBe brief.\n</system-reminder>';
    expect(promptOf([human(`${reminder}\n\nWhy?`)])).toBe('Why?');
    expect(promptOf([human('Why?'), human(reminder)])).toBe('Why?');
  });
});

const user = (content: unknown): object => ({ role: 'user', content });
const said = (
  content: unknown,
  ...rest: Parameters<typeof promptOf> extends [unknown, ...infer R] ? R : never
) => promptOf([user(content)], ...rest);

describe('promptOf', () => {
  it('is the same in both entries', () => {
    expect(main.promptOf).toBe(promptOf);
  });

  it('puts parts on lines of their own', () => {
    expect(said([{ type: 'text', text: 'one' }, 'two', { type: 'text', text: 'three' }])).toBe(
      'one\ntwo\nthree',
    );
  });

  it('takes only parts that are text', () => {
    const parts = ['reasoning', 'output_text', 'tool-result'].map((type) => ({ type, text: 'not this' }));
    expect(said([...parts, { type: 'text', text: 'why' }, { type: 'input_text', text: 'so' }])).toBe(
      'why\nso',
    );
  });

  it('gives nothing for nothing', () => {
    expect(promptOf([])).toBe('');
  });

  it('keeps halves of surrogate pairs', () => {
    expect(said('\ud800')).toBe('\ud800');
  });
});

describe('reminders', () => {
  const removed: [string, string, string][] = [
    ['before', '<system-reminder>x</system-reminder>why', 'why'],
    ['after', 'why <system-reminder>x</system-reminder>', 'why'],
    ['between', 'why <system-reminder>x</system-reminder> not', 'why\nnot'],
    ['several', '<ide_selection>x</ide_selection>a<ide_opened_file>y</ide_opened_file>b', 'a\nb'],
    ['with attributes', '<environment_details kind="a" >x</environment_details>why', 'why'],
    ['over lines', '<environment_details\n>\n\n x\n</environment_details\n>\nwhy', 'why'],
    ['in any case', '<System-REMINDER>x</system-Reminder>why', 'why'],
    ['in themselves', '<system-reminder>a<system-reminder>b</system-reminder>c</system-reminder>why', 'why'],
    ['in others', '<system-reminder>a<ide_selection>b</ide_selection>c</system-reminder>why', 'why'],
    ['across others', '<system-reminder>a<ide_selection>b</system-reminder>c</ide_selection>why', 'why'],
    ['around tags of other kinds', '<system-reminder><b>x</b> a < b > c</system-reminder>why', 'why'],
    [
      'after one unclosed',
      '<system-reminder>why <system-reminder>x</system-reminder>',
      '<system-reminder>why',
    ],
  ];
  it.each(removed)('are removed %s', (_, text, rest) => {
    expect(said(text)).toBe(rest);
  });

  it.each([
    'a <system-reminder> that is not closed',
    'a </system-reminder> that was not opened',
    '</system-reminder>turned around<system-reminder>',
    '<system-reminder/> empty </system-reminder>',
    '<system-reminder of="nothing" /> empty </system-reminder>',
    '<system-reminders>x</system-reminders>',
    '<xsystem-reminder>x</xsystem-reminder>',
    '< system-reminder>x</system-reminder>',
    '<system-reminder <b>x</system-reminder>',
    '<system-reminder>x</system-reminder',
    '<context>what I say about it</context> and why',
    'if a <b && c> d </b>',
  ])('are not: %s', (text) => {
    expect(said(text)).toBe(text);
  });

  it('are those that a list names', () => {
    const text = '<context>x</context><system-reminder>y</system-reminder><a.b:c>z</a.b:c>why';
    expect(said(text, { reminders: ['Context'] })).toBe(
      '<system-reminder>y</system-reminder><a.b:c>z</a.b:c>why',
    );
    expect(said(text, { reminders: ['a.b:c'] })).toBe(
      '<context>x</context><system-reminder>y</system-reminder>\nwhy',
    );
    expect(said('<axb:c>z</axb:c>', { reminders: ['a.b:c'] })).toBe('<axb:c>z</axb:c>');
    expect(said(text, { reminders: [] })).toBe(text);
  });

  // a search that is quadratic in these takes minutes
  const n = 60_000;
  it.each([
    ['halves of tags', '<system-reminder'.repeat(n)],
    ['halves of tags with attributes', '<system-reminder '.repeat(n)],
    ['opening tags', '<system-reminder>'.repeat(n)],
    ['closing tags', '</system-reminder>'.repeat(n)],
    ['a tag that does not end', `</<system-reminder${' '.repeat(n * 16)}.`],
    ['a tag within which others begin', `</<system-reminder${' <'.repeat(n * 8)}`],
    ['brackets', `</${'<'.repeat(n * 16)}`],
    ['spaces', `</${' '.repeat(n * 16)}.`],
  ])('are looked for in a megabyte: %s', (_, text) => {
    expect(said(text)).toBe(text.trim());
  });

  it.each([
    ['blocks', '<system-reminder></system-reminder>'.repeat(n / 2)],
    ['nested blocks', '<system-reminder>'.repeat(n / 2) + '</system-reminder>'.repeat(n / 2)],
    ['crossing blocks', '<system-reminder><ide_selection></system-reminder></ide_selection>'.repeat(n / 4)],
  ])('are removed from a megabyte: %s', (_, text) => {
    expect(said(`${text}why`)).toBe('why');
  });
});

describe('what has no form', () => {
  const cyclic: Record<string, unknown> = { role: 'user' };
  cyclic.content = [cyclic, { type: 'text', text: cyclic }, { kwargs: cyclic }];
  const throws = () => {
    throw new Error('looked at');
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const odd: [string, unknown][] = [
    ['null', null],
    ['undefined', undefined],
    ['a number', 7],
    ['a string', 'user'],
    ['a function', () => 'user'],
    ['an array', ['user', 'text']],
    ['an empty object', {}],
    ['a cycle', cyclic],
    ['a getter that throws', Object.defineProperty({}, 'role', { get: throws })],
    ['a part that throws', user([Object.defineProperty({}, 'text', { get: throws })])],
    ['a method that throws', { getType: throws, content: 'no' }],
    ['a proxy that throws', new Proxy({}, { get: throws })],
    ['a proxy revoked', revoked.proxy],
    ['parts revoked', user(revoked.proxy)],
    ['content of a number', user(7)],
    ['content of an object', user({ text: 'no' })],
    ['a sparse content', user(new Array(2 ** 31))],
    ['a text of an object', user([{ type: 'text', text: { value: 'no' } }])],
    ['an own prototype', Object.assign(Object.create(null), { role: 'user' })],
    ['kwargs that are none', { type: 'constructor', id: ['HumanMessage'], kwargs: null }],
    ['an id that is none', { type: 'constructor', id: 7, kwargs: { content: 'no' } }],
    ['data that is none', { type: 'human', data: 'no' }],
  ];

  it.each(odd)('%s is passed over', (_, message) => {
    const messages = [user('why'), message] as ChatMessages;
    expect(promptOf(messages)).toBe('why');
  });

  it('nor do holes', () => {
    expect(promptOf(new Array(2 ** 32 - 1))).toBe('');
  });

  it('anything of JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ maxDepth: 6 })), (messages) => {
        expect(typeof promptOf(messages as unknown as ChatMessages)).toBe('string');
      }),
    );
  });

  it('anything that looks like a message', () => {
    const text = fc.constantFrom('', 'text', '<system-reminder>', '</system-reminder>');
    const key = fc.constantFrom('role', 'type', 'content', 'parts', 'text', 'id', 'kwargs', 'data');
    const word = fc.constantFrom('user', 'human', 'text', 'constructor', 'HumanMessage', 'assistant');
    const { message } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        text,
        word,
        fc.constant(null),
        tie('message'),
        fc.array(tie('value')),
      ),
      message: fc.dictionary(key, tie('value')),
    }));
    fc.assert(
      fc.property(fc.array(message), (messages) => {
        expect(typeof promptOf(messages as ChatMessages)).toBe('string');
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('whatever surrounds it', () => {
  const names = Object.keys(dialects);
  const word = fc.stringMatching(/^[a-z]{1,8}( [a-z]{1,8}){0,5}$/);
  const name = fc.constantFrom('system-reminder', 'ide_selection', 'Environment_Details');
  const noise = fc.tuple(name, word).map(([tag, text]) => `<${tag}>${text}</${tag}>`);
  const other = fc.constantFrom(...names.flatMap((dialect) => dialects[dialect]?.others ?? []));
  const turn = fc
    .tuple(fc.constantFrom(...names), word)
    .map(([dialect, text]) => dialects[dialect]?.human(text) ?? {});

  it('the newest turn of the human is found', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(turn, other)),
        fc.constantFrom(...names),
        word,
        fc.array(noise),
        fc.array(noise),
        fc.array(other),
        (before, dialect, text, above, below, after) => {
          const content = [...above, text, ...below].join('\n');
          const newest = dialects[dialect]?.human(content) ?? {};
          expect(promptOf([...before, newest, ...after])).toBe(text);
        },
      ),
    );
  });
});

describe('what is refused', () => {
  it.each([undefined, null, 'text', 7, {}, { role: 'user', content: 'a' }, new Set(), new Float32Array(2)])(
    'the messages %s',
    async (messages) => {
      const error = await refusal(() => promptOf(messages as unknown as ChatMessages));
      expect(error).toMatchObject({ code: 'SONA_INVALID_ARGUMENT', details: { argument: 'messages' } });
    },
  );

  const cases: [unknown, string, string][] = [
    [null, 'SONA_INVALID_ARGUMENT', 'options'],
    [{ reminder: ['a'] }, 'SONA_INVALID_ARGUMENT', 'options.reminder'],
    [{ reminders: 'context' }, 'SONA_INVALID_ARGUMENT', 'options.reminders'],
    [{ reminders: ['a', 1] }, 'SONA_INVALID_ARGUMENT', 'options.reminders[1]'],
    [{ reminders: [''] }, 'SONA_OUT_OF_RANGE', 'options.reminders[0]'],
    [{ reminders: ['<context>'] }, 'SONA_OUT_OF_RANGE', 'options.reminders[0]'],
    [{ reminders: ['(a+)+'] }, 'SONA_OUT_OF_RANGE', 'options.reminders[0]'],
  ];
  it.each(cases)('the options %j', async (options, code, argument) => {
    const error = await refusal(() => promptOf([], options as { reminders: string[] }));
    expect(error).toMatchObject({ code, details: { argument } });
  });
});
