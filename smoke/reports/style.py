"""How the pages look: on a phone, on a desk, on paper; by day and by night."""

STYLE = """
:root{color-scheme:light dark;--ink:#1d2329;--soft:#5b6670;--paper:#fff;--line:#d9dee3;--panel:#f5f7f9;
--live:#4a6fa5;--candidate:#c2571a;--good:#1d7a3c;--bad:#b3261e;--plain:#7a5a00}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa5af;--paper:#14181c;--line:#343b42;
--panel:#1c2126;--live:#8db4e8;--candidate:#f0925a;--good:#6fce8d;--bad:#ff8a80;--plain:#e3c06a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.4rem;line-height:1.25;margin:.2rem 0 .5rem}
h2{font-size:1.1rem;margin:1.8rem 0 .5rem;border-bottom:1px solid var(--line)}
.lead{font-size:1.05rem;margin:0 0 1rem;padding:.6rem .8rem;background:var(--panel);border-left:.3rem solid var(--plain)}
.lead.good{border-color:var(--good)}.lead.bad{border-color:var(--bad)}
dl{display:grid;grid-template-columns:minmax(5rem,auto) 1fr;gap:.2rem .9rem;margin:0}
dt{color:var(--soft)}dd{margin:0}
ol{list-style:none;margin:0;padding:0}
ol li{padding:.35rem 0 .35rem .7rem;border-left:2px solid var(--line)}
time,.after{color:var(--soft);font-variant-numeric:tabular-nums;font-size:.85rem;margin-right:.5rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));gap:1rem}
figure{margin:0;max-width:34rem;break-inside:avoid}
figcaption{font-size:.85rem}
svg{display:block;width:100%;height:auto}
svg text{font-size:10.5px;fill:var(--soft)}
.grid{stroke:var(--line)}
polyline{fill:none;stroke-width:1.8;stroke-linejoin:round}
.live{stroke:var(--live)}.candidate{stroke:var(--candidate)}.allowed{stroke:var(--soft)}
polyline.live{stroke-dasharray:5 3}polyline.allowed{stroke-dasharray:1 4}
.dot.live{fill:var(--live)}.dot.candidate{fill:var(--candidate)}
.mark{stroke-width:1;stroke-dasharray:2 2}
.mark.good{stroke:var(--good)}.mark.bad{stroke:var(--bad)}.mark.plain{stroke:var(--plain)}
svg text.good,span.good{fill:var(--good);color:var(--good)}
svg text.bad,span.bad{fill:var(--bad);color:var(--bad);font-weight:600}
svg text.plain,span.plain{fill:var(--plain);color:var(--plain)}
.key,.letter{white-space:nowrap;margin-left:.6rem}
.key::before{content:"";display:inline-block;width:1.3rem;vertical-align:middle;margin-right:.3rem;
border-top:2px solid var(--soft)}
.key.live::before{border-top:2px dashed var(--live)}.key.candidate::before{border-color:var(--candidate)}
.key.allowed::before{border-top-style:dotted}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft)}
th,td{text-align:left;padding:.2rem .6rem .2rem 0;border-bottom:1px solid var(--line);white-space:nowrap}
code{font:.85rem ui-monospace,monospace}
footer{margin-top:2rem;color:var(--soft);font-size:.85rem}
@media print{:root{color-scheme:light}body{max-width:none;padding:0;font-size:10pt}.wide{overflow:visible}table{font-size:7.5pt}
th,td{white-space:normal}tr,li{break-inside:avoid}h2{break-after:avoid}}
"""
