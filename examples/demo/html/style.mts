// How the page looks. No font, picture or script from elsewhere.
import { palette } from './palette.mts';

export const style = `${palette}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.55 system-ui,sans-serif}
main{max-width:940px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .4em}h1,p{overflow-wrap:anywhere}
.lead{font-size:1.25rem;line-height:1.4;font-weight:600;color:var(--sona)}
h2{font-size:1.3rem;margin:2.6em 0 .3em}
h3{font-size:1rem;margin:1.6em 0 .4em}
p{max-width:70ch;margin:.4em 0 1em}
.soft,caption,summary,.tiles dt{color:var(--soft)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:1.6em 0}
.tiles div{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:14px 16px}
.tiles dt{font-size:.85rem}
.tiles dd{margin:0}
.tiles dd b{display:block;font-size:1.7rem;line-height:1.3;font-variant-numeric:tabular-nums}
.tiles dd span{font-size:.85rem;color:var(--soft)}
svg{display:block;width:100%;height:auto}
.narrow{max-width:560px}.phone{display:none;max-width:480px}
@media (max-width:760px){.wide{display:none}.phone{display:block}}
svg text{font:13px system-ui,sans-serif;fill:var(--text)}
svg .tick,svg .label{fill:var(--soft)}
svg .name{font-weight:600;paint-order:stroke;stroke:var(--back);stroke-width:3.5px;stroke-linejoin:round}
.grid{stroke:var(--grid)}.axis{stroke:var(--soft)}
.line{fill:none;stroke-width:2.5;stroke-linejoin:round}
.sona{stroke:var(--sona);stroke-width:3.5}.thin{stroke-width:1.5}
.fixed{stroke:var(--fixed);stroke-dasharray:9 4}.random{stroke:var(--random);stroke-dasharray:2 4}.bandit{stroke:var(--bandit);stroke-dasharray:12 3 2 3}
.level{stroke-width:1.5}
.diagonal{stroke:var(--soft);stroke-width:1;stroke-dasharray:5 5}
svg .sona-text{fill:var(--sona)}svg .fixed-text{fill:var(--fixed)}svg .random-text{fill:var(--random)}svg .bandit-text{fill:var(--bandit)}
.area{stroke:var(--back);stroke-width:1.5}
.mark{stroke:var(--back);stroke-width:1.5}
.sona-mark{fill:var(--sona)}.outside{fill:var(--fixed)}.random-mark{fill:var(--random)}.bandit-mark{fill:var(--bandit)}.oracle-mark{fill:var(--text)}
.leader{stroke:var(--soft);stroke-width:1;fill:none}
.interval{stroke:var(--sona);stroke-width:9;stroke-opacity:.35}
.reach{stroke:var(--sona);stroke-width:2;stroke-opacity:.45}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 18px;margin:.4em 0 0;padding:0;font-size:.85rem}
.swatch{display:inline-block;min-width:1.7em;margin-right:.5em;border-radius:4px;text-align:center;font-weight:600;}
.scroll{overflow-x:auto;margin:.8em 0}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:0 0 .5em}
th,td{padding:4px 10px;text-align:right;border-bottom:1px solid var(--grid);font-weight:400;white-space:nowrap}
thead th{border-bottom-color:var(--line);color:var(--soft);vertical-align:bottom;white-space:normal}
th[scope=row],thead th:first-child{text-align:left}
.domains{width:100%}.domains th,.domains td{padding:4px 6px}
.domains thead th{font-size:.75rem;text-align:center;vertical-align:top}.domains thead .swatch{margin:0}
.domains td{text-align:center;background:rgba(var(--shade-back),calc(var(--shade)*.5))}
summary{cursor:pointer;font-size:.85rem;margin:.6em 0}
pre{overflow-x:auto;background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:12px 16px;
font:.72rem/1.55 ui-monospace,monospace;margin:.4em 0}
code{font-family:ui-monospace,monospace;font-size:.9em}
:focus-visible{outline:2px solid var(--sona);outline-offset:2px}
@media print{main{max-width:none}.wide{display:block}.phone{display:none}.scroll{overflow:visible}h2{break-after:avoid}svg{break-inside:avoid}}`;
