// The page of the routing act: one file that needs no network.
import type { RoutingFigures } from '../routing/figures.mts';
import { matchedHow, sentence } from '../routing/matched.mts';
import { costsAssumed, explainedHow } from '../routing/print.mts';
import type { Explained } from '../routing/run.mts';
import type { Mark } from '../routing/worth.mts';
import { calibrationChart } from './calibration.mts';
import { costChart } from './costs.mts';
import { domainTable } from './domains.mts';
import { leadChart } from './lead.mts';
import { regretChart } from './regret.mts';
import { sharesChart } from './shares.mts';
import { style } from './style.mts';
import { count, escaped } from './text.mts';

/** How the page came to be. */
export interface Made {
  command: string;
  seed: number;
  version: string;
  node: string;
  platform: string;
  /** Day, in the form 2026-01-31. */
  on: string;
}

export function page(figures: RoutingFigures, made: Made): string {
  const { prompts, models, domains, bestFixed, tokens } = figures;
  const inside = figures.calibration.bins.filter((bin) => bin.inside).length;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SONA: ${count(prompts)} prompts routed over ${models.length} models</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>SONA: which model for which prompt?</h1>
<p class="lead" id="sentence">${escaped(sentence(figures.matched))}</p>
<p>${escaped(matchedHow(figures.matched))} ${costsAssumed(tokens)}</p>
<p>${count(prompts)} prompts of ${domains} kinds, ${models.length} open models: recorded answers of llmrouter9 (LLMRouter, MIT), each with its
score from 0 to 1. SONA started from nothing. For each prompt, in random order, it picked one model and got one number:
the score of that answer.</p>
${section(
  'costs',
  'Cost against quality',
  `Up and to the left is better. A diamond is SONA, with the weight of cost in its objective: 0 is quality alone.
Oracle: the best answer to each prompt, the cheapest where several are. Bandit: learns which model is good on the whole,
looks at no prompt. All are means over the whole stream, learning included.`,
  costChart(figures),
)}
${tiles(figures)}
${section(
  'regret',
  'What learning cost, and what it brought',
  `<b>Regret</b> is how much better the best answer to each prompt was, summed up: the lower, the better. <b>Best fixed</b>
is always choosing ${escaped(bestFixed)}, which turns out to be the best single model; nobody knows that beforehand.`,
  regretChart(figures) + leadChart(figures),
)}
${section(
  'shares',
  'Who gets the prompts',
  'At first every model is tried. Then prompts go where answers to similar ones were good.',
  sharesChart(figures),
)}
${section(
  'domains',
  'Who gets which kind',
  'SONA knows nothing of kinds. All that it gets is a sentence embedding of each prompt.',
  domainTable(figures),
)}
${section(
  'calibration',
  'Does what is expected come?',
  `Before each answer SONA says how good it expects it to be, with a 90 % interval. The last
${count(figures.calibration.decisions)} decisions, in ${figures.calibration.bins.length} groups by what was expected: a bar is the mean interval, a thin line adds the
sampling error of the group's mean (90 %), a point is what came. Inside: ${inside} of ${figures.calibration.bins.length}; a triangle is outside.`,
  `<div class="narrow">${calibrationChart(figures)}</div>`,
)}
${section(
  'explained',
  'Decisions explained',
  `What <code>decision.explain()</code> says of decisions near the end, as <code>explainTable</code> writes it. ${escaped(explainedHow(figures))}`,
  figures.explained.map(explained).join('\n'),
)}
${section('made', 'How this was made', '', madeOf(figures, made))}
</main>
</body>
</html>
`;
}

const section = (id: string, title: string, words: string, body: string): string =>
  `<section id="${id}-section" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${words && `<p>${words}</p>\n`}${body}
</section>`;

function tiles({ marks, last, micros, models }: RoutingFigures): string {
  const all = marks.at(-1) as Mark;
  const entries = [
    [
      'Mean quality of all',
      all.sona.toFixed(3),
      `best fixed ${all.bestFixed.toFixed(3)}, random ${all.random.toFixed(3)}, oracle ${all.oracle.toFixed(3)}`,
    ],
    [
      `Of the last ${count(last.decisions)}`,
      last.sona.toFixed(3),
      `best fixed ${last.bestFixed.toFixed(3)}, random ${last.random.toFixed(3)}, oracle ${last.oracle.toFixed(3)}`,
    ],
    [
      'Regret, best fixed = 1',
      all.regret?.toFixed(2) ?? '–',
      'one order of the prompts; npm run bench:routing has 20',
    ],
    [
      'Time per decision',
      `${count(micros.route.median)} µs`,
      `median among ${models.length} models; 99 % below ${count(micros.route.p99)} µs; per outcome ${count(micros.feedback.median)} µs`,
    ],
  ];
  const items = entries.map(
    ([name, value, more]) => `<div><dt>${name}</dt><dd><b>${value}</b><span>${more}</span></dd></div>`,
  );
  return `<dl class="tiles">${items.join('')}</dl>`;
}

const explained = ({
  decision,
  prompt,
  domain,
  model,
  chance,
  exploration,
  expected,
  interval,
  quality,
  table,
}: Explained): string =>
  `<h3>Decision ${count(decision)}, prompt ${count(prompt)} (${escaped(domain)}): ${escaped(model)}</h3>
<p>Chance ${(100 * chance).toFixed(0)} % (${exploration}). Expected ${expected.toFixed(2)} (${interval.map((end) => end.toFixed(2)).join(' to ')}); the answer scored ${quality.toFixed(2)}.</p>
<pre tabindex="0">${escaped(table)}</pre>`;

const madeOf = ({ prompts }: RoutingFigures, { command, seed, version, node, platform, on }: Made): string =>
  `<p>By <code>${escaped(command)}</code> on ${escaped(on)}: SONA ${escaped(version)}, Node.js ${escaped(node)}, ${escaped(platform)}. Seed ${seed} of the
order and of the router; ${count(prompts)} prompts, one outcome each. Features: the basis that ships for all-MiniLM-L6-v2, which was fitted without these
prompts. Exploration, priors and all other settings as they are by default. The same command gives the same decisions; times differ.</p>
<p>Figures over many orders, beside published routers: <code>npm run bench:routing</code>. Your own log: <code>npm run replay -- FILE</code>.</p>`;
