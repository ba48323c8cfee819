import { SonaError } from '../../index.ts';

/** The error that a call throws or rejects with. Anything but a {@link SonaError} fails the test. */
export async function refusal(call: () => unknown): Promise<SonaError> {
  let result: unknown;
  try {
    result = await call();
  } catch (error) {
    if (error instanceof SonaError) return error;
    throw new Error(`threw ${String(error)}, which is no SonaError`, { cause: error });
  }
  throw new Error(`was accepted, and gave ${String(result)}`);
}
