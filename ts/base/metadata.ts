import { invalidArgument } from './errors.ts';
import { plainCopy } from './plain.ts';
import { checkUnicode } from './vectors.ts';

/** Plain data of the caller's: what JSON carries as it is, up to 65,536 characters of it and 64 levels. */
export type Metadata = { readonly [key: string]: MetadataValue };

/** A value in {@link Metadata}. */
export type MetadataValue =
  | string
  | number
  | boolean
  | null
  | readonly MetadataValue[]
  | { readonly [key: string]: MetadataValue };

/** Characters of JSON that metadata may take. */
const MOST = 65_536;

/** Levels of lists and objects that it may have. */
const LEVELS = 64;

/** Metadata as JSON; undefined without any. */
export function encodeMetadata(argument: string, metadata: unknown): string | undefined {
  if (metadata === undefined) return undefined;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw invalidArgument(argument, 'an object of plain data', metadata);
  }
  const text = JSON.stringify(plainCopy(argument, metadata, LEVELS, checkUnicode));
  if (text.length > MOST) {
    throw invalidArgument(argument, `plain data that JSON writes in ${MOST} characters`, metadata);
  }
  return text;
}

/** Metadata that came as JSON, for all who share it: nobody can change it. */
export function parseMetadata(json: string): Metadata {
  return JSON.parse(json, (_, value: unknown) => Object.freeze(value)) as Metadata;
}
