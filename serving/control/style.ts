/** The page's whole style: system fonts, no requests, light and dark by the reader's own setting. */
export const style = `
:root { color-scheme: light dark;
  --ground: light-dark(#f7f6f2, #14161a); --card: light-dark(#fff, #1c1f25); --line: light-dark(#e3e0d8, #2e333c);
  --text: light-dark(#1d2126, #e7e9ec); --quiet: light-dark(#646a73, #98a0ab); --link: light-dark(#0b5d4e, #6fd3bd);
  --good: light-dark(#12703f, #5fd08f); --bad: light-dark(#ab2b2b, #ff8a80); --wait: light-dark(#8a5a00, #ffc45c); }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; margin-bottom: 1.5rem }
h1 { font-size: 1.4rem; margin: 0; letter-spacing: -.01em }
h2 { font-size: 1.05rem; margin: 2.25rem 0 .75rem }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem }
a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
.quiet { color: var(--quiet) } .mono { font: .85em ui-monospace, monospace; overflow-wrap: anywhere }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 1rem; align-items: start }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.1rem }
.card h3 { margin: 0 0 .5rem; font-size: 1rem } .card nav { margin-top: .9rem }
dl { display: grid; grid-template-columns: auto 1fr; gap: .15rem .9rem; margin: 0 } dt { color: var(--quiet) } dd { margin: 0 }
.table { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: top; padding: .5rem .9rem; border-top: 1px solid var(--line) }
thead th { border-top: 0; color: var(--quiet); font-weight: 500; white-space: nowrap } td.nowrap { white-space: nowrap }
td.reason { min-width: 20rem }
.badge { font-weight: 600; white-space: nowrap }
.badge::before { content: "●"; margin-right: .4em; font-size: .8em }
.good { color: var(--good) } .bad { color: var(--bad) } .wait { color: var(--wait) }
.empty { padding: 1rem 1.1rem; color: var(--quiet) } code { font: .9em ui-monospace, monospace }
`;
