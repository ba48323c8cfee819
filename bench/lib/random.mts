export { Random } from '../../ts/testing/random.ts';
