// The table of settings in the README, made from the one that the core validates by. Prints it; with --write it writes
// it between <!-- settings --> and <!-- /settings -->.
//
//   npx tsx scripts/settings-table.mts [--write]
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Setting } from '../ts/config.ts';
import { native } from '../ts/native.ts';
import { fail, root } from './process.mjs';

const [open, close] = ['<!-- settings -->', '<!-- /settings -->'];

/** Marks, table and all, as it stands in the README. */
export function settingsBlock(settings: readonly Setting[]): string {
  const rows = settings.map((setting) => {
    const cells = [`\`${setting.name}\``, `\`${shown(setting.default)}\``, range(setting), setting.doc];
    return `| ${cells.join(' | ')} |`;
  });
  const head = ['| Setting | Default | Range | Meaning |', '|---|---|---|---|'];
  return [open, ...head, ...rows, close].join('\n');
}

/** The same part of a text; undefined where the marks are missing. */
export function blockOf(text: string): string | undefined {
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  return from < 0 || to < from ? undefined : text.slice(from, to + close.length);
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
  const block = settingsBlock(JSON.parse(native.settings()) as Setting[]);
  if (process.argv.includes('--write')) {
    const file = join(root, 'README.md');
    const text = readFileSync(file, 'utf8');
    const old = blockOf(text);
    if (!old) fail(`README.md has no ${open} ... ${close}`);
    writeFileSync(
      file,
      text.replace(old, () => block),
    );
  } else {
    console.log(block);
  }
}
