/** Warns whoever runs the process, by code, of what no call can tell. */
export function warn(code: string, message: string): void {
  process.emitWarning(message, { type: 'SonaWarning', code });
}
