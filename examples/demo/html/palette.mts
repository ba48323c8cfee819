// Colours, for light and for dark surroundings. Those of the models are nine that people with any colour vision tell apart
// (Paul Tol, "Colour schemes", 2021, muted), lighter in the dark; numbers and labels say the same.

const light = [
  '#332288',
  '#88ccee',
  '#117733',
  '#ddcc77',
  '#cc6677',
  '#44aa99',
  '#882255',
  '#999933',
  '#aa4499',
];
const dark = [
  '#8f86e0',
  '#88ccee',
  '#3f9e5c',
  '#ddcc77',
  '#e0808f',
  '#5fc4b2',
  '#c0618f',
  '#b3b34d',
  '#cc77bb',
];

/** What can be read on the light ones; on the dark ones' black can. */
const onLight = ['#fff', '#000', '#fff', '#000', '#000', '#000', '#fff', '#000', '#fff'];

const variables = (letter: string, colours: readonly string[]): string =>
  colours.map((colour, k) => `--${letter}${k}:${colour};`).join('');

/** Of everything but the models. */
export const inLight = {
  back: '#fff',
  panel: '#f6f7f9',
  text: '#1b1f24',
  soft: '#57606a',
  line: '#d0d7de',
  grid: '#e6e9ed',
  sona: '#0b5cad',
  fixed: '#a04000',
  random: '#6e7781',
  bandit: '#7a3e9d',
};
export type Colours = typeof inLight;
export const inDark: Colours = {
  back: '#101418',
  panel: '#181d23',
  text: '#e6eaee',
  soft: '#9aa5b1',
  line: '#3a434d',
  grid: '#252c34',
  sona: '#6cb6ff',
  fixed: '#f0a35e',
  random: '#9aa5b1',
  bandit: '#c79bf0',
};
const named = (colours: Colours): string =>
  Object.entries(colours)
    .map(([name, colour]) => `--${name}:${colour};`)
    .join('');

export const palette = `
:root{color-scheme:light dark;${named(inLight)}--shade-back:11,92,173;${variables('m', light)}${variables('t', onLight)}}
@media (prefers-color-scheme:dark){:root{${named(inDark)}--shade-back:108,182,255;${variables('m', dark)}${variables(
  't',
  dark.map(() => '#000'),
)}}}
${light.map((_, k) => `.model-${k}{fill:var(--m${k})}svg .name.on-${k}{fill:var(--t${k});stroke:var(--m${k})}.back-${k}{background:var(--m${k});color:var(--t${k})}`).join('')}`;
