/** A value that was refused. */
export interface RefusedValue {
  /** The argument, as it is called: `outcome.quality`, `models[2].id`. */
  readonly argument: string;
  /** What would have been taken, in words. */
  readonly expected: string;
  /** What came, shortened. */
  readonly got: string;
}

/** A name or an id that nobody has. */
export interface UnknownName {
  /** The argument. */
  readonly argument: string;
  /** The name, or the id as it came. */
  readonly got: string;
}

/** What `SonaError.details` holds, by the error's code. */
export interface SonaErrorDetailsByCode {
  SONA_DIM_MISMATCH: { readonly argument: string; readonly expected: number; readonly got: number };
  /** `index`: of the number that is not finite. */
  SONA_NOT_FINITE: RefusedValue & { readonly index: number };
  /** `excluded`: what an evaluation left out, by cause. */
  SONA_OUT_OF_RANGE: RefusedValue & { readonly excluded?: object | undefined };
  /** `support`, `effectiveSampleSize`: how much a log knows of a policy that was refused. */
  SONA_INVALID_ARGUMENT: Omit<RefusedValue, 'got'> & {
    readonly got?: string | undefined;
    readonly support?: number | undefined;
    readonly effectiveSampleSize?: number | undefined;
  };
  /** `package`: one that an embedder needs and that is not installed, or is of another version. */
  SONA_INVALID_CONFIG: Partial<RefusedValue> & {
    readonly embedder?: string | undefined;
    readonly package?: string | undefined;
  };
  SONA_UNKNOWN_TRAJECTORY: UnknownName;
  SONA_UNKNOWN_ROUTE: UnknownName;
  SONA_UNKNOWN_MODEL: UnknownName;
  /** `filters`: what rules each model out, in words: `'cost, latency'`. */
  SONA_NO_ELIGIBLE_MODEL: { readonly filters: Readonly<Record<string, string>> };
  SONA_CLOSED: object;
  SONA_ABORTED: object;
  SONA_CORRUPT_STATE: { readonly reason: string };
  SONA_INCOMPATIBLE_STATE: Pick<RefusedValue, 'expected' | 'got'> & {
    readonly argument?: string | undefined;
    readonly embedder?: string | undefined;
    readonly decision?: unknown;
  };
  SONA_ASYNC_EMBEDDER: RefusedValue & { readonly embedder: string };
  /** `status`, `body`: of a service's answer; the time limits in milliseconds. */
  SONA_EMBEDDER: Partial<RefusedValue> & {
    readonly embedder: string;
    readonly reason?: string | undefined;
    readonly status?: number | undefined;
    readonly body?: string | undefined;
    readonly timeoutMs?: number | undefined;
    readonly embedderTimeoutMs?: number | undefined;
  };
  /** Of a file `path` and `reason`, of the function `log` its name as `argument`. */
  SONA_IO: {
    readonly path?: string | undefined;
    readonly reason?: string | undefined;
    readonly argument?: string | undefined;
  };
  SONA_LOCKED: { readonly path: string; readonly reason: string };
  SONA_LISTENER: { readonly event: string };
  /** Which platform this is, those that this copy has an addon for, and every place that was tried. */
  SONA_NATIVE_UNAVAILABLE: {
    readonly platform?: string | undefined;
    readonly arch?: string | undefined;
    readonly shipped?: readonly string[] | undefined;
    readonly tried?: readonly string[] | undefined;
    readonly row?: string | undefined;
    readonly expected?: readonly string[] | undefined;
    readonly got?: readonly string[] | undefined;
  };
  SONA_INTERNAL: object;
}

/** Stable codes of everything that a call can refuse. */
export type SonaErrorCode = keyof SonaErrorDetailsByCode;

/** What `details` hold of an error of this code. */
export type SonaErrorDetails<Code extends SonaErrorCode = SonaErrorCode> = Readonly<
  SonaErrorDetailsByCode[Code]
>;
