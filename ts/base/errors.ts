import type { SonaErrorCode, SonaErrorDetails } from './error-details.ts';

export type { SonaErrorCode, SonaErrorDetails } from './error-details.ts';

const HELP = 'https://github.com/sona-engine/sona/blob/main/docs/errors.md';

const marker: unique symbol = Symbol.for('sona.error');

/**
 * Every error of this library. Whatever was refused changed nothing.
 *
 * Tell it from others with {@link SonaError.isInstance}, which also holds across copies of the package.
 */
export class SonaError extends Error {
  /** `AbortError` where a signal stopped the work, as the platform and the AI SDK expect; else `SonaError`. */
  override readonly name: 'SonaError' | 'AbortError';
  /** What {@link SonaError.isInstance} looks for. */
  readonly [marker] = true;
  /** Stays the same between versions; messages may not. */
  readonly code: SonaErrorCode;
  /** The parts of the message. Plain data, so that it can be logged. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Where it says what to do about errors of this code. Shown where an error is printed. */
  readonly help: string;

  constructor(code: SonaErrorCode, message: string, details: object = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = code === 'SONA_ABORTED' ? 'AbortError' : 'SonaError';
    this.code = code;
    this.details = details as Readonly<Record<string, unknown>>;
    this.help = `${HELP}#${code.toLowerCase()}`;
  }

  /**
   * Whether a value is an error of this library, of this copy or another; with a code, one of that code, whose `details` then have
   * their types: `if (SonaError.isInstance(error, 'SONA_DIM_MISMATCH')) error.details.expected`.
   */
  static isInstance<Code extends SonaErrorCode = SonaErrorCode>(
    error: unknown,
    code?: Code,
  ): error is SonaErrorOf<Code> {
    if (typeof error !== 'object' || error === null) return false;
    try {
      const { [marker]: marked, code: own } = error as Partial<SonaError>;
      return marked === true && (code === undefined || own === code);
    } catch {
      // a proxy may throw
      return false;
    }
  }
}

/** An error of a known code, or of any. */
export type SonaErrorOf<Code extends SonaErrorCode> = [SonaErrorCode] extends [Code]
  ? SonaError
  : SonaError & { readonly code: Code; readonly details: SonaErrorDetails<Code> };

/** An error whose details are checked against its code. */
export function sonaError<Code extends SonaErrorCode>(
  code: Code,
  message: string,
  details: SonaErrorDetails<Code>,
  cause?: unknown,
): SonaError {
  return new SonaError(code, message, details, cause);
}

/** A short description of a value that was refused. Never runs code of the value's own. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return `${value}n`;
    case 'symbol':
      return 'a symbol';
    case 'function':
      return 'a function';
    default:
      if (value === null) return 'null';
      if (ArrayBuffer.isView(value)) return `a ${arrayKind(value) ?? 'DataView'}`;
      return isArray(value) ? 'an array' : 'an object';
  }
}

/** Throws for no proxy, though it was revoked. */
function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

const viewTag = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get;

/** The name of a typed array's kind, whatever realm it comes from; undefined for all else, also for a proxy, which has no memory. */
export function arrayKind(value: unknown): string | undefined {
  return viewTag?.call(value) as string | undefined;
}

/** What an error of others says, whatever its message is. */
export function reasonOf(error: unknown): string {
  try {
    const message: unknown = error instanceof Error ? error.message : undefined;
    return typeof message === 'string' ? message : describe(error);
  } catch {
    return describe(error);
  }
}

export function invalidArgument(argument: string, expected: string, value: unknown): SonaError {
  const got = describe(value);
  const message = `${argument}: expected ${expected}, got ${got}`;
  return sonaError('SONA_INVALID_ARGUMENT', message, { argument, expected, got });
}

export function invalidConfig(argument: string, expected: string, value: unknown): SonaError {
  const got = describe(value);
  const message = `${argument}: expected ${expected}, got ${got}`;
  return sonaError('SONA_INVALID_CONFIG', message, { argument, expected, got });
}

export function outOfRange(argument: string, expected: string, value: unknown): SonaError {
  const got = describe(value);
  const message = `${argument}: expected ${expected}, got ${got}`;
  return sonaError('SONA_OUT_OF_RANGE', message, { argument, expected, got });
}

export function notFinite(argument: string, index: number, value: number): SonaError {
  const got = String(value);
  const message = `${argument}: expected finite numbers, got ${got} at index ${index}`;
  return sonaError('SONA_NOT_FINITE', message, { argument, expected: 'finite numbers', index, got });
}

export function dimMismatch(argument: string, expected: number, got: number): SonaError {
  const message = `${argument}: expected ${expected} numbers, got ${got}`;
  return sonaError('SONA_DIM_MISMATCH', message, { argument, expected, got });
}

export function unknownTrajectory(argument: string, value: unknown): SonaError {
  const got = describe(value);
  return sonaError('SONA_UNKNOWN_TRAJECTORY', `${argument}: no trajectory ${got} is open or held`, {
    argument,
    got,
  });
}

export function unknownRoute(argument: string, name: string): SonaError {
  const got = describe(name);
  return sonaError('SONA_UNKNOWN_ROUTE', `${argument}: no route named ${got}`, { argument, got: name });
}

export function unknownModel(argument: string, name: string): SonaError {
  const got = describe(name);
  return sonaError('SONA_UNKNOWN_MODEL', `${argument}: no model named ${got}`, { argument, got: name });
}

export function aborted(signal: AbortSignal): SonaError {
  return sonaError('SONA_ABORTED', 'the operation was aborted', {}, signal.reason);
}

/** A text came to a synchronous method, and the embedder takes its time. */
export function asyncEmbedder(argument: string, embedder: string): SonaError {
  const [expected, got] = ['a vector', 'text'];
  const way = `${embedder} embeds it asynchronously only: use the method's Async twin`;
  const message = `${argument}: expected ${expected}, got ${got}; ${way}`;
  return sonaError('SONA_ASYNC_EMBEDDER', message, { argument, expected, got, embedder });
}

/** A text came to a state whose vectors are of an embedder that was not given. */
export function incompatibleEmbedder(argument: string, embedder: string): SonaError {
  const expected = `a vector, or the embedder "${embedder}" of the state's vectors as an option`;
  const message = `${argument}: expected ${expected}, got text`;
  return sonaError('SONA_INCOMPATIBLE_STATE', message, { argument, expected, got: 'text', embedder });
}

/** An embedder, or what it stands on, did not do its work. `parts` go to the details. */
export function embedderFailed(
  embedder: string,
  reason: string,
  parts: Partial<SonaErrorDetails<'SONA_EMBEDDER'>> = {},
  cause?: unknown,
): SonaError {
  return sonaError('SONA_EMBEDDER', `${embedder}: ${reason}`, { embedder, reason, ...parts }, cause);
}

/** Turns whatever came of an embedder into a {@link SonaError}. */
export function embedderError(embedder: string, error: unknown): SonaError {
  return SonaError.isInstance(error) ? error : embedderFailed(embedder, reasonOf(error), {}, error);
}

/** Turns whatever the addon threw into a {@link SonaError}. */
export function fromNative(error: unknown): SonaError {
  if (SonaError.isInstance(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  const packed = unpack(text);
  if (packed) return new SonaError(packed.code, packed.message, packed.details);
  return sonaError('SONA_INTERNAL', `internal error: ${text}`, {}, error);
}

export interface PackedError {
  code: SonaErrorCode;
  message: string;
  details: Readonly<Record<string, unknown>>;
}

function unpack(text: string): PackedError | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(text) as Partial<PackedError>;
    const { code, message, details } = value;
    return code && message !== undefined && details ? { code, message, details } : undefined;
  } catch {
    return undefined;
  }
}
