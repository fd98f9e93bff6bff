/** The operators' documents lead somewhere: every link finds its file, and in it its heading. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);

/** As GitHub makes the name of a heading's anchor. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = [...markdown.replaceAll(/^ *```.*?^ *```$/gms, '').matchAll(/^#+ (.*)$/gm)];
  return new Set(
    headings.map(([, text = '']) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe.each(['SCHEMA.md', 'docs/migrating.md', 'docs/verdicts.md'])('%s', (path) => {
  it('has no link that leads nowhere', () => {
    const here = new URL(path, root);
    const links = [...readFileSync(here, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(9);
    const dead = links.filter((link) => {
      const target = new URL(link, here);
      const anchor = target.hash.slice(1);
      target.hash = '';
      if (!existsSync(target)) return true;
      return anchor !== '' && !anchorsOf(readFileSync(target, 'utf8')).has(anchor);
    });
    expect(dead).toEqual([]);
  });
});
