// What strict types refuse, as they are installed. A line that they no longer refuse fails the type check.
import { SonaRouter } from '@sona/sona';

/** Never called. */
export function refused(): void {
  const router = new SonaRouter({ models: [{ id: 'small' }, { id: 'large' }] });
  const { id } = router.route('a prompt', { eligible: ['small', 'large'] });
  // @ts-expect-error an id of no model
  router.route('a prompt', { eligible: ['smal'] });
  // @ts-expect-error no prompt
  router.route([new Date()]);
  // @ts-expect-error a quality is a number
  router.feedback(id, { quality: '1' });
}
