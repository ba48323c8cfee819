// What a worker thread of a TypeScript program starts with: a thread does not take tsx over from the process on every Node.js.
import { register } from 'tsx/esm/api';

register();
await import('./program.ts');
