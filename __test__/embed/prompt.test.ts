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
    ],
  },
  'AI SDK, UI messages': {
    human: (text) => ({ id: '1', role: 'user', parts: [{ type: 'text', text }] }),
    others: [
      { id: '2', role: 'assistant', parts: [{ type: 'text', text: 'an answer' }] },
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
  MCP: {
    human: (text) => ({ role: 'user', content: { type: 'text', text } }),
    others: [{ role: 'assistant', content: { type: 'text', text: 'an answer' } }],
  },
  'OpenAI Assistants': {
    human: (text) => ({ role: 'user', content: [{ type: 'text', text: { value: text, annotations: [] } }] }),
    others: [{ role: 'assistant', content: [{ type: 'text', text: { value: 'an answer' } }] }],
  },
  'OpenAI realtime': {
    human: (text) => ({
      type: 'message',
      role: 'user',
      content: [{ type: 'input_audio', transcript: text }],
    }),
    others: [{ type: 'message', role: 'assistant', content: [{ type: 'audio', transcript: 'an answer' }] }],
  },
  Bedrock: {
    human: (text) => ({ role: 'user', content: [{ image: { format: 'png', source: {} } }, { text }] }),
    others: [
      { role: 'user', content: [{ toolResult: { toolUseId: '1', content: [{ text: 'tool output' }] } }] },
      { role: 'assistant', content: [{ text: 'an answer' }] },
    ],
  },
  'lines of Claude Code': {
    human: (text) => ({ type: 'user', message: { role: 'user', content: [{ type: 'text', text }] } }),
    others: [
      { type: 'user', isMeta: true, message: { role: 'user', content: 'what it says itself' } },
      { type: 'user', message: { role: 'user', content: [{ type: 'tool_result', content: 'output' }] } },
      { type: 'assistant', message: { role: 'assistant', content: [{ type: 'text', text: 'an answer' }] } },
    ],
  },
  'Cohere, first version': {
    human: (text) => ({ role: 'USER', message: text }),
    others: [{ role: 'CHATBOT', message: 'an answer' }],
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

/** Whether a message has a picture, and no result of a tool beside it. */
function pictured(message: object): boolean {
  const json = JSON.stringify(message);
  return /"(?:image|image_url|inlineData|input_audio)"/.test(json) && !json.includes('tool_result');
}

describe.each(Object.entries(dialects))('%s', (_, { human, others }) => {
  it('the newest turn of the human', () => {
    const first = human('What is the first?');
    expect(promptOf([first])).toBe('What is the first?');
    expect(promptOf([...others, first, ...others])).toBe('What is the first?');
    expect(promptOf([first, ...others, human('  And the second?\n')])).toBe('And the second?');
    // where a picture stands beside the text, the turn is one without it
    const before = pictured(human('')) ? '' : 'What is the first?';
    expect(promptOf([first, ...others, human(' \n'), ...others])).toBe(before);
  });

  it('nothing without one', () => {
    expect(promptOf(others)).toBe('');
    expect(promptOf([...others, human('')])).toBe('');
  });

  it('without reminders', () => {
    const reminder = '<system-reminder>\nBe brief.\n</system-reminder>';
    expect(promptOf([human(`${reminder}\n\nWhy?`)])).toBe('Why?');
    expect(promptOf([human('Why?'), human(reminder)])).toBe(pictured(human('')) ? '' : 'Why?');
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

describe('a newest turn without a text', () => {
  const parts: [string, unknown][] = [
    ['a picture (OpenAI chat)', { type: 'image_url', image_url: { url: 'data:,' } }],
    ['a picture (OpenAI responses)', { type: 'input_image', image_url: 'data:,' }],
    ['a picture (Anthropic, AI SDK)', { type: 'image', source: {} }],
    ['a picture (Assistants)', { type: 'image_file', image_file: { file_id: '1' } }],
    ['a picture (Gemini)', { inlineData: { mimeType: 'image/png', data: '' } }],
    ['a file (Gemini)', { fileData: { fileUri: 'gs://' } }],
    ['a picture (Bedrock)', { image: { format: 'png' } }],
    ['sound (OpenAI)', { type: 'input_audio', input_audio: { data: '', format: 'wav' } }],
    ['sound (MCP, LangChain)', { type: 'audio', data: '', mimeType: 'audio/wav' }],
    ['a film', { type: 'video_url', video_url: { url: 'data:,' } }],
    ['a file (OpenAI)', { type: 'input_file', file_id: '1' }],
    ['a file (AI SDK)', { type: 'file', mediaType: 'application/pdf', url: 'data:,' }],
    ['a document', { type: 'document', source: { type: 'text', data: 'a file' } }],
    ['a resource (MCP)', { type: 'resource', resource: { uri: 'file:///a', text: 'a file' } }],
    ['a file (A2A)', { kind: 'file', file: { uri: 'a' } }],
  ];
  it.each(parts)('does not use an older one: %s', (_, part) => {
    const before = [user('why'), { role: 'assistant', content: 'What next?' }];
    const reminder = { type: 'text', text: '<system-reminder>x</system-reminder>' };
    for (const content of [[part], [part, { type: 'text', text: ' ' }], [reminder, part]]) {
      expect(promptOf([...before, user(content)])).toBe('');
      expect(promptOf([...before, { role: 'user', parts: content }])).toBe('');
      expect(promptOf([...before, user(content), user('and this?')])).toBe('and this?');
    }
    expect(promptOf([...before, user([part, { type: 'text', text: 'what is it?' }])])).toBe('what is it?');
  });

  it('nor where the picture stands beside the content', () => {
    for (const beside of ['images', 'attachments', 'experimental_attachments', 'files']) {
      expect(promptOf([user('why'), { role: 'user', content: '', [beside]: ['data:,'] }])).toBe('');
      expect(promptOf([user('why'), { role: 'user', content: '', [beside]: [] }])).toBe('why');
    }
    expect(promptOf([user('why'), user({ type: 'image', data: '', mimeType: 'image/png' })])).toBe('');
    expect(promptOf([user('why'), user('[Image #1]')])).toBe('');
    expect(promptOf([user('why'), user('[Image #1]\nwhat is it?')])).toBe('what is it?');
  });

  it("but a picture beside a tool's result is the tool's", () => {
    const result = { type: 'tool_result', tool_use_id: '1', content: 'a screen' };
    expect(promptOf([user('why'), user([result, { type: 'image', source: {} }])])).toBe('why');
  });
});

// What each writes into the turns of its users: see docs/embedders.md
describe('coding agents', () => {
  const block = (tag: string, inner = 'x\ny') => `<${tag}>\n${inner}\n</${tag}>`;
  const input = (...texts: string[]) => ({
    type: 'message',
    role: 'user',
    content: texts.map((text) => ({ type: 'input_text', text })),
  });

  it.each([
    'user_instructions',
    'environment_context',
    'turn_aborted',
    'subagent_notification',
    'user_shell_command',
    'hook_prompt',
    'recommended_plugins',
    'codex_internal_context',
    'system-reminder',
    'local-command-stdout',
    'bash-input',
    'bash-stdout',
    'task-notification',
    'teammate-message',
    'open_and_recently_viewed_files',
    'additional_data',
    'user_info',
    'environment_info',
    'editorContext',
    'environment_details',
    'session_context',
  ])('%s is no prompt', (tag) => {
    for (const text of [
      block(tag),
      `${block(tag)}\n${block('system-reminder')}`,
      `<${tag} a="b">x</${tag}>`,
    ]) {
      expect(promptOf([user('why'), user(text)])).toBe('why');
      expect(promptOf([input('why'), input(text, text)])).toBe('why');
      expect(promptOf([user(text)])).toBe('');
      expect(promptOf([user(`${text}\n\nwhy`)])).toBe('why');
    }
  });

  it('Codex: instructions of a project, skills, pictures', () => {
    const agents = '# AGENTS.md instructions for /src\n\n<INSTRUCTIONS>\nAlways test\n</INSTRUCTIONS>';
    const context = block('environment_context', '<cwd>/src</cwd>');
    expect(promptOf([input(agents, context)])).toBe('');
    expect(promptOf([input(agents, context), input('why')])).toBe('why');
    expect(promptOf([input('why'), input('<skill>\n<name>a</name>\n<path>b</path>\nbody\n</skill>')])).toBe(
      'why',
    );
    expect(promptOf([input(agents.replace(' for /src', ''), 'why')])).toBe('why');
    const picture = { type: 'input_image', image_url: 'data:,' };
    const [open, close] = ['<image name=[Image #1]>', '</image>'].map((text) => ({
      type: 'input_text',
      text,
    }));
    expect(promptOf([input('why'), user([open, picture, close])])).toBe('');
    expect(promptOf([user([open, picture, close, { type: 'input_text', text: 'what is it?' }])])).toBe(
      'what is it?',
    );
    // what people write themselves
    const own = '<instructions>\nBe brief.\n</instructions>\n<context>x</context>';
    expect(promptOf([user(own)])).toBe(own);
  });

  it('Codex: a request below what an editor adds', () => {
    const ide = '# Context from my IDE setup:\n\n## Active file: a.ts\n\n## Open tabs:\n- a.ts: src/a.ts';
    expect(promptOf([input(`${ide}\n\n## My request for Codex:\nrename it\n`)])).toBe('rename it');
    const files = '# Files mentioned by the user:\n\n## a.png: /tmp/a.png';
    expect(promptOf([input(`${files}\n\n## My request for Codex:\nrename it`)])).toBe('rename it');
    expect(promptOf([input(ide)])).toBe(ide);
  });

  it('Claude Code: commands, interruptions, summaries', () => {
    const command = (name: string, rest: string) =>
      user(
        `<command-message>${name}</command-message>\n<command-name>/${name}</command-name>\n<command-args>${rest}</command-args>`,
      );
    expect(promptOf([user('why'), command('review', 'a.ts and b.ts')])).toBe('a.ts and b.ts');
    expect(promptOf([user('why'), command('clear', '')])).toBe('why');
    expect(promptOf([user('why'), command('clear', ''), user(block('local-command-stdout', ''))])).toBe(
      'why',
    );
    for (const reason of ['', ' for tool use']) {
      const line = `[Request interrupted by user${reason}]`;
      expect(promptOf([user('why'), user(line)])).toBe('why');
      expect(promptOf([user('why'), user(`${line}\nrather that`)])).toBe('rather that');
    }
    const quoted = 'What does "[Request interrupted by user]" mean?';
    expect(promptOf([user(quoted)])).toBe(quoted);
    for (const own of [
      'This session is being continued from a previous conversation that ran out of context. x',
      'Caveat: The messages below were generated by the user while running local commands. x',
      'Stop hook feedback:\nx',
    ]) {
      expect(promptOf([user('why'), user(own)])).toBe('why');
    }
  });

  it('Cursor, Copilot, Cline: the request has a tag', () => {
    const asked = (tag: string) => `<${tag}>\nrename it\n</${tag}>`;
    const around = [
      '',
      block('context'),
      block('attachments', '<attachment id="a.ts">\nconst x: Array<string> = [];\n</attachment>'),
      `${block('editorContext')}\n${block('reminderInstructions')}`,
      `${block('timestamp')}\n${block('rules', block('user_rules'))}`,
    ];
    for (const tag of ['user_query', 'userRequest', 'prompt', 'task', 'feedback', 'user_message']) {
      for (const other of around) {
        expect(promptOf([user(`${other}\n${asked(tag)}`)])).toBe('rename it');
        expect(promptOf([user(`${asked(tag)}\n${other}`)])).toBe('rename it');
        expect(promptOf([user([other, asked(tag)])])).toBe('rename it');
      }
      expect(promptOf([user(asked(tag).replace('it', block('system-reminder')))])).toBe('rename');
      expect(
        promptOf([user('why'), user(block('environment_details') + asked(tag).replace('rename it', ''))]),
      ).toBe('why');
    }
    const loose = `Please follow these rules.\n${block('custom_instructions')}\n${asked('user_query')}`;
    expect(promptOf([user(loose)])).toBe('rename it');
    const result = "[read_file for 'a.ts'] Result:";
    expect(promptOf([user('why'), user([result, 'const x = 1;', block('environment_details')])])).toBe('why');
    expect(promptOf([user('why'), user([result, 'const x = 1;', asked('feedback')])])).toBe('rename it');
  });

  it('what people write about tags stays', () => {
    for (const text of [
      'Improve this prompt: <prompt>rename it</prompt>',
      'Why does it write <user_query>a</user_query> around it?',
      '<context>x</context>\n<question>why</question>',
      '<task>rename it',
      '<html><body>why is this empty?</body></html>',
      'Array<string> or Map<string, number>?',
    ]) {
      expect(said(text)).toBe(text);
    }
  });

  it.each([
    '[test] Result: 3 failed, 12 passed. Why do they fail?',
    '<question>Capital of France?</question>\n<answer>Paris</answer>\n<rubric>Score 1-5</rubric>',
    '<instructions>Translate to Thai</instructions><prompt>Hello</prompt>',
  ])('somebody who writes like a program is heard: %s', (text) => {
    expect(said(text)).toBe(text);
  });

  // evidence is a block that only programs write, names of two kinds, nothing but blocks, or a place before all else
  it.each([
    'What does <user_info>me</user_info> do in this template?',
    'Fix the bug in it:\n<file_content>\nlet x = 1\n</file_content>\nand say why',
    'Explain this file:\n<file_content>\nlet x = 1\n</file_content>',
    'Compare both:\n<file_content>a</file_content>\n<file_content>b</file_content>',
    'Why is this wrong?\n<git_status>\nM a.ts\n</git_status>',
    'Stop hook feedback: what is that in Claude Code?',
    'This session is being continued from a previous conversation, they say. Why?',
    '[ERROR] You did not use a tool: what does that mean?',
  ])('what people write in tags that programs use, too, is theirs: %s', (text) => {
    expect(said(text)).toBe(text);
    expect(said([{ type: 'text', text }])).toBe(text);
    expect(said(`Hello.\n${text}`)).toBe(`Hello.\n${text}`);
  });

  it.each([
    ['a block of its own', `Fix it\n${block('file_content')}\n${block('environment_details')}`, 'Fix it'],
    ['two kinds', `Fix it\n${block('file_content')}\n${block('git_status')}`, 'Fix it'],
    ['a request', `x ${block('git_status')}\n<user_query>Fix it</user_query>`, 'Fix it'],
    ['its place', `${block('user_info')}\n${block('user_info')}\nFix it`, 'Fix it'],
    ['nothing but blocks', block('user_info') + block('user_info'), ''],
    ['a tool', `[read_file for 'a.ts'] Result:\n${block('file_content')}`, ''],
  ])('with evidence of a program they are no words: %s', (_, text, rest) => {
    expect(said(text)).toBe(rest);
  });

  it('a request in tags stays one beside what a program adds', () => {
    const request = '<context>Report</context>\n<instructions>Summarise in French</instructions>';
    expect(said(`<system-reminder>x</system-reminder>\n${request}`)).toBe(request);
  });

  it('a list of one’s own stands for all of it', () => {
    const text = '<user_query>rename it</user_query>\n[Request interrupted by user]';
    expect(said(text, { reminders: [] })).toBe(text);
    expect(said(text, { reminders: ['user_query'] })).toBe('[Request interrupted by user]');
  });

  // a search that is quadratic in these takes minutes
  const n = 60_000;
  it.each([
    ['blocks', '<a></a>'.repeat(n)],
    ['nested blocks', '<a>'.repeat(n) + '</a>'.repeat(n)],
    ['open tags of many names', Array.from({ length: n }, (_, i) => `<a${i}>`).join('')],
    ['requests', `why ${'<user_query></user_query>'.repeat(n)} why`],
    ['brackets', `${'[Image '.repeat(n)} </a>`],
    ['headings', `${'# AGENTS.md instructions\n'.repeat(n)}</a>`],
    ['results', `${'[a for '.repeat(n)}</a>`],
    ['blank lines', `[${' \n'.repeat(n * 4)}</a>`],
    ['ends of lines', `[${'\r'.repeat(n * 8)}</a>`],
    ['pictures between ends of lines', `${'\r[Image: '.repeat(n)}</a>`],
    ['breaks between ends of lines', `${'\u2028[Request interrupted by user'.repeat(n)}</a>`],
  ])('are looked for in a megabyte: %s', (_, text) => {
    expect(said(text)).toBe(text.trim());
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
    ['content of a part of another kind', user({ type: 'thought', text: 'no' })],
    ['a sparse content', user(new Array(2 ** 31))],
    ['a text of an object', user([{ type: 'text', text: { values: 'no' } }])],
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
