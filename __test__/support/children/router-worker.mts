// A router in a thread, a fit of its basis under way, which is never closed.
import { parentPort } from 'node:worker_threads';
import { DIM, make, teach } from '../routers.ts';

const router = make({ features: { dim: DIM }, background: 'auto' });
teach(router, 600);
parentPort?.postMessage(router.stats().decisions);
setInterval(() => teach(router, 10), 10);
