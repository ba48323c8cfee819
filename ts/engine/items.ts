import { invalidArgument, outOfRange } from '../base/errors.ts';
import { formatId, type MemoryId, parseId, type StoredId } from '../base/ids.ts';
import { encodeMetadata, type Metadata } from '../base/metadata.ts';
import { checkInteger, checkName, checkNumber, checkOptions, checkUnitInterval } from '../base/vectors.ts';
import type { ItemName, MemoParts, RecallParts } from '../binding/binding.ts';
import { call, native } from '../binding/native.ts';
import type { Issued } from './issued.ts';

/** What is kept with something that is remembered. */
export interface RememberOptions {
  /** Plain data that comes back with the item, up to 65,536 characters of JSON. */
  metadata?: Metadata | undefined;
  /** Up to 64 tags of up to 256 characters. */
  tags?: readonly string[] | undefined;
  /** Whom or what it is about: `forget({ subject })` takes all such items. */
  subject?: string | undefined;
  /** The conversation that it is part of: it is linked with the item before. */
  session?: string | undefined;
  /**
   * The item whose vector and details it replaces; its uses and edges stay. Details that are not given are gone: give `subject` again,
   * or `forget({ subject })` will miss it.
   */
  id?: MemoryId | StoredId | undefined;
}

/** Which items are wanted: those that every given part holds for. */
export interface MemoryFilter {
  /** Those that have all of these. */
  tags?: readonly string[] | undefined;
  /** Those that have one of these at least. */
  anyTag?: readonly string[] | undefined;
  /** Those about this one. */
  subject?: string | undefined;
}

/** What items are wanted. */
export interface RecallOptions {
  /** How many at most, from 0. Default 10. */
  k?: number | undefined;
  /** Default: among all. */
  where?: MemoryFilter | undefined;
  /** Least score, -1 to 1. Default -1. */
  minScore?: number | undefined;
  /** How many edges are followed from what was found, 0 to 3. Default 0. */
  expand?: number | undefined;
}

/** An item that was found. */
export interface RecalledItem {
  /** Its id. */
  id: MemoryId;
  /**
   * Cosine of its vector with the query, or, where that is more, the score of an item that an edge led from times the weight of
   * the edge.
   */
  score: number;
  /** What `remember` was given; undefined without any. */
  metadata?: Metadata | undefined;
  /** What `remember` was given. */
  tags: readonly string[];
  /** What `remember` was given; undefined without one. */
  subject?: string | undefined;
  /** The item from which an edge led to it. */
  via?: MemoryId | undefined;
}

/** Most characters of a text that is remembered or recalled by. */
const LONGEST_TEXT = 1_000_000;

/** Most characters of a tag, a subject, a session. */
const LONGEST_NAME = 256;

const MOST_TAGS = 64;
const MOST_TOGETHER = 100;

/** What the addon tells of an item. */
interface ItemRow extends ItemName {
  readonly score: number;
  readonly metadata?: Metadata;
  readonly tags?: readonly string[];
  readonly subject?: string;
  readonly via?: ItemName;
}

const nothing: readonly string[] = Object.freeze([]);

export function remember(handle: number, issued: Issued, vector: Float32Array, parts: MemoParts): MemoryId {
  const number = call(() => native.itemRemember(handle, vector, parts));
  return parts.id ? formatId('memory', parts.id.incarnation, number) : issued.memory(number);
}

export function recall(handle: number, query: Float32Array, parts: RecallParts): RecalledItem[] {
  const rows = JSON.parse(call(() => native.itemRecall(handle, query, parts))) as ItemRow[];
  return rows.map(({ score, metadata, tags = nothing, subject, via, ...name }) => {
    const item: RecalledItem = { id: idOf(name), score, metadata, tags, subject };
    if (via) item.via = idOf(via);
    return item;
  });
}

export function reinforce(handle: number, ids: unknown, quality: unknown): number {
  if (!Array.isArray(ids)) throw invalidArgument('ids', 'an array of ids', ids);
  if (ids.length > MOST_TOGETHER) throw outOfRange('ids', `at most ${MOST_TOGETHER} ids`, ids.length);
  const names: ItemName[] = [];
  for (let i = 0; i < ids.length; i++) {
    const name = nameOf(`ids[${i}]`, ids[i]);
    if (name) names.push(name);
  }
  checkUnitInterval('quality', quality);
  return call(() => native.itemReinforce(handle, names, quality));
}

export function forgetItem(handle: number, id: unknown): boolean {
  const name = nameOf('id', id);
  return name !== undefined && call(() => native.itemForget(handle, name));
}

/** Checked options of `remember`, as they are now. */
export function checkRemember(options: RememberOptions): MemoParts {
  checkOptions('options', options, ['metadata', 'tags', 'subject', 'session', 'id']);
  const { metadata, tags, subject, session, id } = options;
  const encoded = encodeMetadata('metadata', metadata);
  const name = id === undefined ? undefined : nameOf('id', id);
  if (id !== undefined && !name) throw invalidArgument('id', 'the id of an item that is remembered', id);
  return {
    metadata: encoded,
    tags: tags === undefined ? undefined : namesOf('tags', tags),
    subject: subject === undefined ? undefined : checkedName('subject', subject),
    session: session === undefined ? undefined : checkedName('session', session),
    id: name,
  };
}

/** Checked options of `recall`, as they are now. */
export function checkRecall(options: RecallOptions): RecallParts {
  checkOptions('options', options, ['k', 'where', 'minScore', 'expand']);
  const { k = 10, where = {}, minScore, expand = 0 } = options;
  checkInteger('k', k, 0, 10_000);
  checkInteger('expand', expand, 0, 3);
  if (minScore !== undefined) {
    checkNumber('minScore', minScore);
    if (minScore < -1 || minScore > 1) throw outOfRange('minScore', 'a number from -1 to 1', minScore);
  }
  checkOptions('where', where, ['tags', 'anyTag', 'subject']);
  const { tags, anyTag, subject } = where;
  const any = anyTag === undefined ? undefined : namesOf('where.anyTag', anyTag);
  if (any?.length === 0) throw outOfRange('where.anyTag', 'at least one tag', 0);
  return {
    k,
    expand,
    minScore,
    tags: tags === undefined ? undefined : namesOf('where.tags', tags),
    anyTag: any,
    subject: subject === undefined ? undefined : checkedName('where.subject', subject),
  };
}

/** Refuses a text that is longer than is embedded here. */
export function checkTextLength(argument: string, text: string): void {
  if (text.length > LONGEST_TEXT) {
    throw outOfRange(argument, `a text of at most ${LONGEST_TEXT} characters`, text.length);
  }
}

/** A name of an item's that is neither empty nor too long. */
export function checkedName(argument: string, name: unknown): string {
  checkName(argument, name);
  // characters beyond the first plane count once, as in the core
  if (
    name.length > 2 * LONGEST_NAME ||
    (name.length > LONGEST_NAME && Array.from(name).length > LONGEST_NAME)
  ) {
    throw outOfRange(argument, `1 to ${LONGEST_NAME} characters`, name.length);
  }
  return name;
}

function namesOf(argument: string, names: unknown): string[] {
  if (!Array.isArray(names)) throw invalidArgument(argument, 'an array of strings', names);
  if (names.length > MOST_TAGS) throw outOfRange(argument, `at most ${MOST_TAGS} tags`, names.length);
  return Array.from(names, (name: unknown, i) => checkedName(`${argument}[${i}]`, name));
}

/** An id in its parts; undefined for one of something else. */
function nameOf(argument: string, id: unknown): ItemName | undefined {
  const { kind, incarnation, number } = parseId(argument, id);
  return kind === 'memory' ? { incarnation, number } : undefined;
}

function idOf({ incarnation, number }: ItemName): MemoryId {
  return formatId('memory', incarnation, number);
}
