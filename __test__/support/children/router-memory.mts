// How much memory 50,000 decisions take beyond the newest, 1,000 routers that are made and closed or forgotten, and 300
// snapshots. Leaves a router open.
import { setTimeout as sleep } from 'node:timers/promises';
import { SonaRouter } from '../../../index.ts';
import { make, models, teach } from '../routers.ts';
import { gaussian } from '../vectors.ts';

async function resident(): Promise<number> {
  for (let n = 0; n < 5; n++) {
    (globalThis as { gc?: () => void }).gc?.();
    await sleep(10);
  }
  return process.memoryUsage().rss / 2 ** 20;
}

const query = gaussian(256, 1);

async function decisions(): Promise<number> {
  const router = make({ pendingCapacity: 1_000, tenantCapacity: 10 });
  const options = (n: number) => ({ sessionId: `s${n % 100}`, tenant: `t${n % 50}` });
  teach(router, 5_000, 1, options);
  const before = await resident();
  for (let round = 0; round < 10; round++) teach(router, 5_000, 2 + round, options);
  return (await resident()) - before;
}

async function routers(end: (router: SonaRouter) => unknown): Promise<number> {
  const some = async (count: number) => {
    for (let n = 0; n < count; n++) {
      const router = new SonaRouter({ models });
      router.feedback(router.route(query).id, { quality: 1 });
      await end(router);
      if (n % 100 === 99) await resident();
    }
  };
  await some(200);
  const before = await resident();
  await some(1_000);
  return (await resident()) - before;
}

async function snapshots(): Promise<number> {
  const router = make();
  teach(router, 500);
  const some = async (count: number) => {
    for (let n = 0; n < count; n++) {
      const copy = SonaRouter.restore(router.snapshot());
      if (n % 2 === 0) await copy.close();
      if (n % 50 === 49) await resident();
    }
  };
  await some(100);
  const before = await resident();
  await some(300);
  return (await resident()) - before;
}

// what has ended gives its memory back though somebody still holds it
const held: SonaRouter[] = [];

console.log(
  JSON.stringify({
    decisions: await decisions(),
    closed: await routers((router) => {
      held.push(router);
      return router.close();
    }),
    forgotten: await routers(() => undefined),
    snapshots: await snapshots(),
  }),
);
