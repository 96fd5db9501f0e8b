/** The one style sheet of the pages. Colours keep a contrast of at least 4.5 to 1 in both schemes. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f3f4f6; --card: #ffffff; --text: #1a1d21; --soft: #50565e; --line: #767d86;
  --action: #14532d; --action-text: #ffffff; --warn: #fff4d6; --warn-text: #533f03; --focus: #1d4ed8;
  --done: #dcfce7; --done-text: #14532d; --link: #1d4ed8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1f2428; --text: #eef1f4; --soft: #b6bec7; --line: #8a939d;
    --action: #86efac; --action-text: #052e16; --warn: #3b2f0b; --warn-text: #fde68a; --focus: #93c5fd;
    --done: #14351f; --done-text: #bbf7d0; --link: #93c5fd;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 34rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
@media (min-width: 40rem) { main { padding-top: 4rem; } }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
section, form { background: var(--card); border-radius: .75rem; padding: 1.25rem; margin: 0 0 1rem; }
section h2:first-child { margin-top: 0; }
dl { margin: 0; display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .35rem 1rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
ul { margin: 0; padding-left: 1.25rem; }
p { margin: 0 0 .75rem; overflow-wrap: anywhere; }
ul + p { margin-top: .75rem; }
p:last-child { margin-bottom: 0; }
.note { color: var(--soft); font-size: .9rem; }
.warning { background: var(--warn); color: var(--warn-text); border-radius: .5rem; padding: .75rem 1rem; }
fieldset { border: 0; margin: 0; padding: 0; }
legend { font-weight: 600; padding: 0; margin-bottom: .75rem; }
button { display: block; width: 100%; min-height: 2.9rem; margin: 0 0 .6rem; padding: .55rem 1rem; text-align: left;
  font: inherit; color: var(--text); background: transparent; border: 1px solid var(--line); border-radius: .5rem;
  cursor: pointer; }
button strong { display: block; }
button span { color: var(--soft); font-size: .9rem; }
button:hover { border-color: var(--text); }
button.primary { background: var(--action); color: var(--action-text); border-color: var(--action); }
button.primary span { color: inherit; }
button.deny { margin-top: 1rem; text-align: center; }
button:last-child, form:last-child { margin-bottom: 0; }
.done { background: var(--done); color: var(--done-text); border-radius: .5rem; padding: .75rem 1rem; }
form.inline { background: none; padding: 0; margin: 0; }
label { display: block; font-weight: 600; margin: 0 0 .3rem; }
input:not([type=hidden]) { display: block; width: 100%; min-height: 2.9rem; margin: 0 0 1rem; padding: .5rem .75rem;
  font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--line); border-radius: .5rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
`;
