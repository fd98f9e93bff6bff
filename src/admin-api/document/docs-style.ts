/** The style sheet of /api/docs: light and dark by the reader's choice, readable from 320 px on. */

export const docsStyle = `:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f4f5f7; --line: #d5d9e0; --text: #1b1f26; --soft: #515a68; --link: #1652b8;
  --get: #1652b8; --post: #1d6b37; --patch: #8a4b00; --delete: #a8201a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171c; --raised: #1e232b; --line: #39414d; --text: #e6e9ee; --soft: #a6afbd; --link: #8ab4ff;
    --get: #8ab4ff; --post: #7fd69b; --patch: #f0b36a; --delete: #ff9a92;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
a { color: var(--link); }
a:focus-visible, summary:focus-visible, pre:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 0.5rem; padding: 0.5rem 1rem; background: var(--ground); z-index: 1; }
header { padding: 1.25rem 1rem; border-bottom: 1px solid var(--line); }
header h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; }
header p { margin: 0.25rem 0 0; color: var(--soft); }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.875em; }
code { overflow-wrap: anywhere; }
pre { margin: 0.5rem 0 0; padding: 0.75rem; overflow-x: auto; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }
pre code { overflow-wrap: normal; }
main { padding: 1rem; max-width: 54rem; min-width: 0; }
h2 { margin: 2.5rem 0 0.5rem; font-size: 1.35rem; text-transform: capitalize; }
h3 { margin: 0; font-size: 1.1rem; line-height: 1.35; }
h3 a { color: inherit; text-decoration: none; }
h3 a:hover { text-decoration: underline; }
h4 { margin: 1.1rem 0 0.35rem; font-size: 0.95rem; }
article { margin: 1rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: 8px; }
article:target { border-color: var(--link); box-shadow: 0 0 0 1px var(--link); }
article p { margin: 0.5rem 0 0; }
.address { overflow-wrap: anywhere; }
.who { color: var(--soft); }
.method { display: inline-block; min-width: 3.6em; font: 700 0.75rem/1.5 ui-monospace, Menlo, Consolas, monospace; }
.get { color: var(--get); } .post { color: var(--post); } .patch, .put { color: var(--patch); } .delete { color: var(--delete); }
dl { margin: 0; border-top: 1px solid var(--line); }
dt { padding-top: 0.4rem; }
dd { margin: 0; padding-bottom: 0.4rem; border-bottom: 1px solid var(--line); color: var(--soft); }
.type { color: var(--soft); font-size: 0.875rem; overflow-wrap: anywhere; }
details { margin: 0.35rem 0; }
summary { cursor: pointer; padding: 0.25rem 0; }
nav p { margin: 0.9rem 0 0.2rem; font-weight: 600; text-transform: capitalize; }
nav p a { color: inherit; text-decoration: none; }
nav ul { margin: 0; padding: 0; list-style: none; }
nav li a { display: block; padding: 0.2rem 0; text-decoration: none; overflow-wrap: anywhere; }
nav li a:hover { text-decoration: underline; }
.contents-large { display: none; }
.contents-small { margin: 0; padding: 0.5rem 1rem; border-bottom: 1px solid var(--line); }
@media (min-width: 60rem) {
  header { padding: 1.25rem 2rem; }
  .contents-small { display: none; }
  .columns { display: grid; grid-template-columns: 17rem minmax(0, 1fr); }
  .contents-large {
    display: block; position: sticky; top: 0; height: 100vh; overflow-y: auto;
    padding: 0.5rem 1rem 2rem 2rem; border-right: 1px solid var(--line);
  }
  main { padding: 1.5rem 2rem 4rem; }
  dl { display: grid; grid-template-columns: minmax(12rem, 18rem) minmax(0, 1fr); column-gap: 0; }
  dt { padding: 0.4rem 1.25rem 0.4rem 0; border-bottom: 1px solid var(--line); }
  dd { padding-top: 0.4rem; }
}
@media print { .contents-small, .contents-large, .skip { display: none; } }
`;
