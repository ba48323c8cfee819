/** Tags of what programs put into the turns of their users, by names that nobody else writes. */
const ownReminders: readonly string[] = [
  // Claude Code
  'system-reminder',
  'local-command-caveat',
  'local-command-stdout',
  'local-command-stderr',
  'command-name',
  'command-message',
  'command-contents',
  'bash-input',
  'bash-stdout',
  'bash-stderr',
  'task-notification',
  'teammate-message',
  'agent-message',
  'cross-session-message',
  'user-prompt-submit-hook',
  'session-start-hook',
  'post-tool-use-hook',
  'user-memory-input',
  'new-diagnostics',
  'ide_selection',
  'ide_opened_file',
  'ide_diagnostics',
  // Codex
  'user_instructions',
  'environment_context',
  'turn_aborted',
  'subagent_notification',
  'user_shell_command',
  'hook_prompt',
  'goal_context',
  'codex_internal_context',
  'recommended_plugins',
  'task_model_guidance',
  'skills_instructions',
  'apps_instructions',
  'plugins_instructions',
  'collaboration_mode',
  'personality_spec',
  'model_switch',
  // Cursor
  'system_reminder',
  'additional_data',
  'open_and_recently_viewed_files',
  'always_applied_workspace_rules',
  'agent_requestable_workspace_rules',
  'agent_transcripts',
  'agent_skills',
  'manually_attached_skills',
  'cursor_commands',
  'mcp_file_system',
  'mcp_instructions',
  // Copilot
  'reminderInstructions',
  'editorContext',
  'repoContext',
  'toolReferences',
  'system_notification',
  // Cline, Roo, Gemini
  'environment_details',
  'hook_context',
];

/** The same by names that people may write as well: Codex, Cursor, Copilot, Cline. */
const sharedReminders: readonly string[] = [
  'user_action',
  'external_context',
  'user_info',
  'user_rules',
  'git_status',
  'attached_files',
  'attached_folders',
  'image_files',
  'external_links',
  'linter_errors',
  'project_layout',
  'custom_instructions',
  'environment_info',
  'workspace_info',
  'customInstructions',
  'current_datetime',
  'file_content',
  'folder_content',
  'session_context',
];

/** What the name of a tag may be. */
export const tagName = /^[A-Za-z][\w.:-]*$/;

/** Finds the opening and closing tags of any name. */
export const anyTag = /<(\/?)([A-Za-z][\w.:-]*)(?:\s[^<>]*)?>/g;

/** Finds the opening and closing tags of these names. */
export function tagsOf(names: readonly string[]): RegExp | undefined {
  if (names.length === 0) return undefined;
  const either = names.map((name) => name.replaceAll('.', '\\.')).join('|');
  // no attempt goes beyond the next '<', where the next one may begin: all of them together are linear
  return new RegExp(`<(/?)(${either})(?:\\s[^<>]*)?>`, 'gi');
}

/** Finds all tags of programs, those that nobody else writes, and the others. */
export const defaultTags = tagsOf([...ownReminders, ...sharedReminders]);
export const ownTags = tagsOf(ownReminders);
export const sharedTags = tagsOf(sharedReminders);

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

/** A block with the place of its tags, and what stands between them. */
export interface Outer {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly inner: string;
}

/** The blocks that lie in no other one, in their order. */
export function outermost(text: string, tags: RegExp): Outer[] {
  const found: Outer[] = [];
  let from = 0;
  for (const [start, end] of blocks(text, tags)) {
    if (start < from) continue;
    from = end;
    const inside = text.indexOf('>', start) + 1;
    const name = text.slice(start + 1, text.slice(start, inside).search(/[\s>]/) + start).toLowerCase();
    found.push({ name, start, end, inner: text.slice(inside, text.lastIndexOf('<', end - 1)) });
  }
  return found;
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
