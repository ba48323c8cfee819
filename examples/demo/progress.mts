import { count, live, paint } from './terminal.mts';

const WIDTH = 40;
/** Milliseconds between two drawings. */
const EVERY = 100;

/** A bar below what is printed, drawn again in place; where nobody watches, part of each printed line. */
export class Progress {
  #next = 0;
  readonly #began = performance.now();

  constructor(
    private readonly total: number,
    private readonly unit = 'events',
  ) {}

  /** The work is this far. */
  show(done: number): void {
    // the clock is read now and then only
    if (!live || done % 16 !== 0) return;
    const now = performance.now();
    if (now < this.#next) return;
    this.#next = now + EVERY;
    const seconds = ((now - this.#began) / 1000).toFixed(0);
    process.stdout.write(
      `\r\u001b[K  ${bar(done / this.total, WIDTH)}  ${count(done)} of ${count(this.total)} ${this.unit}, ${seconds} s`,
    );
  }

  /** Prints a line above the bar. */
  print(line: string, done: number): void {
    if (live) {
      process.stdout.write(`\r\u001b[K${line}\n`);
      this.#next = 0;
      this.show(done - (done % 16));
    } else {
      console.log(`${line}   ${bar(done / this.total, 20)}`);
    }
  }

  end(): void {
    if (live) process.stdout.write('\r\u001b[K');
  }
}

function bar(share: number, width: number): string {
  const full = Math.round(share * width);
  return `${paint(32, '█'.repeat(full))}${'░'.repeat(width - full)} ${(100 * share).toFixed(0).padStart(3)} %`;
}
