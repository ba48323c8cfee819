export { hashOf, Random } from '../../ts/testing/random.ts';
