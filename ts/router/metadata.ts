import { invalidArgument } from '../errors.ts';

/** Plain data of the caller's: what JSON can carry. */
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

/** Metadata as JSON; undefined without any. */
export function encodeMetadata(argument: string, metadata: unknown): string | undefined {
  if (metadata === undefined) return undefined;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw invalidArgument(argument, 'an object of plain data', metadata);
  }
  let text: string | undefined;
  try {
    text = JSON.stringify(metadata);
  } catch {
    text = undefined;
  }
  if (text === undefined || text.length > MOST) {
    throw invalidArgument(argument, `plain data that JSON writes in ${MOST} characters`, metadata);
  }
  return text;
}
