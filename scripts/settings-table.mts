// The tables of settings in docs/settings.md, made from those that the core validates by. Prints them; with --write it writes
// each between its marks, <!-- settings --> and <!-- /settings --> for an engine's, <!-- router settings --> and
// <!-- /router settings --> for a router's.
//
//   npx tsx scripts/settings-table.mts [--write]
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { native } from '../ts/binding/native.ts';
import type { Setting } from '../ts/engine/config.ts';
import { fail, root } from './process.mjs';

/** Whose settings: the words of their marks. */
export type Mark = 'settings' | 'router settings';

const opening = (mark: Mark): string => `<!-- ${mark} -->`;
const closing = (mark: Mark): string => `<!-- /${mark} -->`;

/** Marks, table and all, as it stands in docs/settings.md. */
export function settingsBlock(settings: readonly Setting[], mark: Mark = 'settings'): string {
  const rows = settings.map((setting) => {
    const cells = [`\`${setting.name}\``, preset(setting), range(setting), setting.doc];
    return `| ${cells.join(' | ')} |`;
  });
  const head = ['| Setting | Default | Range | Meaning |', '|---|---|---|---|'];
  return [opening(mark), ...head, ...rows, closing(mark)].join('\n');
}

/** The same part of a text; undefined where the marks are missing. */
export function blockOf(text: string, mark: Mark = 'settings'): string | undefined {
  const [from, to] = [text.indexOf(opening(mark)), text.indexOf(closing(mark))];
  return from < 0 || to < from ? undefined : text.slice(from, to + closing(mark).length);
}

function preset({ default: value }: Setting): string {
  return value === null ? 'not set' : `\`${shown(value)}\``;
}

function range({ kind, min, max, choices }: Setting): string {
  if (kind === 'boolean') return 'true or false';
  if (kind === 'choice') return (choices ?? []).map((choice) => `\`'${choice}'\``).join(' or ');
  return `${shown(min)} to ${shown(max)}`;
}

function shown(value: Setting['default'] | undefined): string {
  if (typeof value === 'string') return `'${value}'`;
  return Number.isInteger(value) ? Number(value).toLocaleString('en') : String(value);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = join(root, 'docs/settings.md');
  const tables: [Mark, string][] = [
    ['settings', native.settings()],
    ['router settings', native.routerSettings()],
  ];
  for (const [mark, json] of tables) {
    const block = settingsBlock(JSON.parse(json) as Setting[], mark);
    if (process.argv.includes('--write')) {
      const text = readFileSync(file, 'utf8');
      const old = blockOf(text, mark);
      if (!old) fail(`docs/settings.md has no ${opening(mark)} ... ${closing(mark)}`);
      writeFileSync(
        file,
        text.replace(old, () => block),
      );
    } else {
      console.log(block);
    }
  }
}
