/** The page at /api/docs: the whole document, without scripts, without anything from elsewhere, whatever stands in it. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderDocsPage } from '../../../src/admin-api/document/docs-page.ts';
import type { ApiDocument } from '../../../src/admin-api/document/tidy-document.ts';
import { callAdmin } from '../../support/administered-keyward.ts';
import { startKeyward, type RunningKeyward } from '../../support/running-keyward.ts';

const document = JSON.parse(
  readFileSync(new URL('../../../openapi.json', import.meta.url), 'utf8'),
) as ApiDocument;
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));

/** Elements that have no end tag. */
const empty = new Set(['meta', 'link', 'wbr', '!doctype']);

/** Follows the tags; gives the ids in the order of the page. */
function readPage(page: string): { ids: string[]; links: string[]; left: string[] } {
  const open: string[] = [];
  const ids: string[] = [];
  const links: string[] = [];
  for (const [, closing, name = '', attributes = ''] of page.matchAll(
    /<(\/?)([a-z!][a-z0-9]*)((?:\s[^<>]*)?)>/gi,
  )) {
    const tag = name.toLowerCase();
    if (closing === '/') expect(open.pop()).toBe(tag);
    else if (!empty.has(tag)) open.push(tag);
    ids.push(...[...attributes.matchAll(/\sid="([^"]*)"/g)].map(([, id = '']) => id));
    links.push(...[...attributes.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, link = '']) => link));
  }
  return { ids, links, left: open };
}

describe('the page of the real document', () => {
  const page = renderDocsPage(document);

  it('is well formed, and every id in it is one', () => {
    const { ids, left } = readPage(page);
    expect(left).toEqual([]);
    expect(new Set(ids)).toHaveLength(ids.length);
  });

  it('has every operation with its own place, its fields and a command to paste', () => {
    const { ids } = readPage(page);
    for (const { operationId } of operations) expect(ids).toContain(operationId);
    expect(page.match(/<pre tabindex="0">/g)).toHaveLength(operations.length);
    expect(page).toContain('curl -X POST &quot;$KEYWARD/api/v1/admin/providers/openrouter/set-key&quot;');
    expect(page).toContain('<code>key_proven_dead</code>');
  });

  it('links to places that are there, and to nothing elsewhere', () => {
    const { ids, links } = readPage(page);
    expect(links.length).toBeGreaterThan(operations.length);
    for (const link of links) {
      if (link.startsWith('#')) expect(ids).toContain(link.slice(1));
      else expect(['/api/docs/style.css', '/api/openapi.json']).toContain(link);
    }
  });

  it('has no script and no style of its own, which its policy would not allow', () => {
    expect(page).not.toMatch(/<script|<style|\sstyle=|\son[a-z]+=|javascript:/i);
  });
});

describe('a document that means harm', () => {
  const harm = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;`;
  const page = renderDocsPage({
    openapi: '3.1.0',
    info: { title: harm, version: harm, description: harm },
    tags: [{ name: 'a', description: harm }],
    paths: {
      [`/a/${harm}/{b}`]: {
        post: {
          operationId: 'a',
          summary: harm,
          description: harm,
          tags: ['a'],
          parameters: [{ name: harm, in: 'query', description: harm, schema: { enum: [harm] } }],
          requestBody: {
            content: {
              'application/json': {
                schema: { properties: { [harm]: { description: harm } } },
                example: harm,
              },
            },
          },
          responses: { 200: { description: harm }, 400: { description: `\`${harm}\`: ${harm}` } },
        },
      },
    },
    components: {},
  });

  it('is text on the page and nothing else', () => {
    expect(page).not.toMatch(/<script|<img/i);
    expect(readPage(page).left).toEqual([]);
    expect(page).toContain('&lt;script&gt;');
  });
});

describe('the page as it is served', () => {
  let keyward: RunningKeyward;
  beforeAll(async () => {
    keyward = await startKeyward();
  });
  afterAll(async () => keyward.stop());

  it('comes with a policy that allows its style sheet and nothing more', async () => {
    const page = await callAdmin(keyward.server.url, 'GET /api/docs', { token: null });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    const style = await callAdmin(keyward.server.url, 'GET /api/docs/style.css', { token: null });
    expect([style.status, style.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
    expect(style.text).toContain('prefers-color-scheme: dark');
    expect(style.text).not.toMatch(/url\(|@import/);
  });
});
