// What this terminal can show.

/** Someone is watching: lines can be drawn again in place. */
export const live = process.stdout.isTTY === true;

const colours = live && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

export function paint(colour: number, text: string): string {
  return colours ? `\u001b[${colour}m${text}\u001b[0m` : text;
}

export const bold = (text: string): string => paint(1, text);

/** 12345 -> 12,345 */
export const count = (n: number): string => n.toLocaleString('en-US');
