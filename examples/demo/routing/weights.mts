/** Weights of cost in the objectives of the routers that are compared; 0 is quality alone. */
export const WEIGHTS = [0, 0.05, 0.1, 0.25, 0.5] as const;
