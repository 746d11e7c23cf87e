/** The report's whole style: system fonts, nothing fetched, light and dark by the reader's own setting. */
export const style = `
:root { color-scheme: light dark;
  --ground: light-dark(#f6f5f1, #14161a); --card: light-dark(#fff, #1c1f25); --line: light-dark(#dedbd2, #343a44);
  --text: light-dark(#1d2126, #e7e9ec); --quiet: light-dark(#5b616a, #a3abb6); --now: light-dark(#2f7f9e, #4aa3c4);
  --before: light-dark(#1d2126, #f1f3f5); --bad: light-dark(#b02525, #ff8a80); --good: light-dark(#12703f, #5fd08f);
  --wait: light-dark(#835500, #ffc45c); --shade: light-dark(#f3dcdc, #452529) }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 86rem; margin: 0 auto; padding: 1.5rem 1rem 4rem }
h1 { font-size: 1.5rem; margin: 0; letter-spacing: -.01em } h2 { font-size: 1.3rem; margin: 2.5rem 0 .25rem }
h3 { font-size: 1.02rem; margin: 2rem 0 .6rem } h4 { font-size: .95rem; line-height: 1.35; margin: 0 0 .6rem }
a { color: var(--now) } p { margin: .3rem 0; max-width: 60rem } .quiet { color: var(--quiet) } h1, h2, h3, h4, p, li { overflow-wrap: anywhere }
.story { padding-left: 1.1rem; margin: .6rem 0; max-width: 60rem }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 1rem; align-items: start }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1rem; min-width: 0 }
.card p { font-size: .86rem; color: var(--quiet) }
.table { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px }
table { border-collapse: collapse; width: 100%; font-size: .86rem; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem; border-top: 1px solid var(--line); white-space: nowrap }
thead th { border-top: 0; color: var(--quiet); font-weight: 500 } .n { text-align: right }
td.name, td.reason { white-space: normal; overflow-wrap: anywhere } td.name { min-width: 7rem } td.reason { min-width: 15rem }
details { margin-top: .6rem } summary { cursor: pointer; color: var(--quiet); font-size: .86rem }
.card .table { border-radius: 6px; margin-top: .4rem; max-height: 22rem; overflow-y: auto }
.badge { font-weight: 600; white-space: nowrap } .badge::before { margin-right: .35em }
.badge.good::before { content: "✓" } .badge.bad::before { content: "✗" } .badge.wait::before { content: "…" }
.good { color: var(--good) } .bad { color: var(--bad) } .wait { color: var(--wait) }
svg { display: block; width: 100%; height: auto }
svg text { font: 13px system-ui, sans-serif; fill: var(--quiet) } svg text.level { fill: var(--text); font-size: 12px }
.grid { stroke: var(--line) } .axis { stroke: var(--quiet) } .step { stroke: var(--line); stroke-dasharray: 3 3 }
.now { fill: var(--now) } .before { stroke: var(--before); stroke-width: 2.5 }
.limit { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 6 4 }
.line, .line-2 { fill: none; stroke: var(--now); stroke-width: 2 } .line-2 { stroke-dasharray: 5 3 }
.reach { stroke: var(--now); stroke-width: 5; stroke-opacity: .35 }
.dot { fill: var(--now); stroke: var(--card) } path.dot { stroke: var(--now) }
.hollow { fill: var(--card); stroke: var(--now); stroke-width: 1.5 }
.bad-dot { fill: var(--bad); stroke: var(--card) } .bad-line { stroke: var(--bad); stroke-width: 2.2; fill: none }
.shade { fill: var(--shade) }
.key { display: inline-block; width: 1.1em; height: .8em; margin: 0 .3em 0 .9em; vertical-align: baseline }
.key.is-now { background: var(--now) } .key.is-before { height: 0; border-top: 3px solid var(--before); vertical-align: middle }
.key:first-child { margin-left: 0 }
pre { font: .8rem/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0 }
@media print { .card, .table { break-inside: avoid } }
`;
