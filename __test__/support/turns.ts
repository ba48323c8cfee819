// Whether other work gets its turn.

/** What work comes to, and how many turns of the event loop there were until then. */
export async function turnsDuring<T>(work: () => PromiseLike<T>): Promise<{ result: T; turns: number }> {
  let [turns, over] = [0, false];
  const count = () => {
    if (over) return;
    turns++;
    setImmediate(count);
  };
  setImmediate(count);
  try {
    const result = await work();
    return { result, turns };
  } finally {
    over = true;
  }
}
