/** Tags of what programs put into the turns of their users, by the names that they write. */
export const defaultReminders: readonly string[] = [
  'system-reminder',
  'system_reminder',
  'reminderInstructions',
  'environment_context',
  'environment_details',
  'environment_info',
  'workspace_info',
  'editorContext',
  'ide_selection',
  'ide_opened_file',
  'open_and_recently_viewed_files',
  'local-command-caveat',
  'local-command-stdout',
  'local-command-stderr',
  'task-notification',
  'user-prompt-submit-hook',
];

/** What the name of a tag may be. */
export const tagName = /^[A-Za-z][\w.:-]*$/;

/** Finds the opening and closing tags of these names. */
export function tagsOf(names: readonly string[]): RegExp | undefined {
  if (names.length === 0) return undefined;
  const either = names.map((name) => name.replaceAll('.', '\\.')).join('|');
  // no attempt goes beyond the next '<', where the next one may begin: all of them together are linear
  return new RegExp(`<(/?)(${either})(?:\\s[^<>]*)?>`, 'gi');
}

/**
 * A text without the blocks between an opening tag and its closing tag, with what stands around them on lines of its
 * own. Tags without their other half stay. Linear in the length of the text.
 */
export function withoutBlocks(text: string, tags: RegExp | undefined): string {
  if (!tags || !text.includes('</')) return text;
  const kept: string[] = [];
  let from = 0;
  for (const [start, end] of blocks(text, tags)) {
    if (start > from) kept.push(text.slice(from, start));
    from = Math.max(from, end);
  }
  if (from === 0) return text;
  kept.push(text.slice(from));
  return kept
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join('\n');
}

/** Start and end of each block, by its start. Blocks of one name are properly nested. */
function blocks(text: string, tags: RegExp): [number, number][] {
  const open = new Map<string, number[]>();
  const found: [number, number][] = [];
  for (const { 0: tag, 1: slash, 2: written = '', index } of text.matchAll(tags)) {
    const name = written.toLowerCase();
    const starts = open.get(name) ?? [];
    open.set(name, starts);
    if (!slash) {
      if (!tag.endsWith('/>')) starts.push(index);
      continue;
    }
    const start = starts.pop();
    if (start !== undefined) found.push([start, index + tag.length]);
  }
  return found.sort(([a], [b]) => a - b);
}
