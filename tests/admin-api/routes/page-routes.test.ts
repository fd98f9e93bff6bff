/** The page as the server gives it: its shell, its files, and the addresses that stay the programs'. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKeyward, type RunningKeyward } from '../../support/running-keyward.ts';

let keyward: RunningKeyward;
beforeAll(async () => {
  keyward = await startKeyward();
});
afterAll(async () => keyward.stop());

const get = async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(keyward.server.url + path, { headers, redirect: 'manual' });
const asBrowser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('the shell', () => {
  it('is given at / and wherever a browser goes, and is kept by nobody', async () => {
    for (const path of [
      '/',
      '/providers?q=openai',
      '/providers/openrouter/rotations/1',
      '/healthy',
      '/health',
      '/health/alerts/7',
      '/audit/12?action=policy',
    ]) {
      const response = await get(path, asBrowser);
      expect([path, response.status, response.headers.get('content-type')]).toEqual([
        path,
        200,
        'text/html; charset=utf-8',
      ]);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await response.text()).toContain('<div id="root">');
    }
  });

  it('allows no script but its own files, and a style only with the nonce of this answer', async () => {
    const [one, other] = await Promise.all([get('/', asBrowser), get('/', asBrowser)]);
    const policy = one.headers.get('content-security-policy') ?? '';
    const nonce = /'nonce-([\w+/=]+)'/.exec(policy)?.[1] ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).not.toContain('unsafe');
    expect(nonce.length).toBeGreaterThan(20);
    const html = await one.text();
    expect(html).toContain(`nonce="${nonce}"`);
    expect(html).not.toMatch(/<script(?![^>]*\bsrc="\/assets\/)/);
    expect(other.headers.get('content-security-policy')).not.toBe(policy);
  });

  it('is no answer to programs, nor to what would change something', async () => {
    for (const path of ['/api/v1/admin/nothing', '/v1/nothing', '/metrics/nothing', '/assets/nothing.js']) {
      const response = await get(path, asBrowser);
      expect([path, response.status]).toEqual([path, 404]);
      expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    }
    for (const path of ['/health/live', '/health/ready', '/health/ready/more']) {
      const response = await get(path, asBrowser);
      expect([path, response.headers.get('content-type')]).toEqual([path, 'application/json; charset=utf-8']);
    }
    expect((await get('/health', { accept: 'application/json' })).status).toBe(404);
    expect((await get('/providers', { accept: 'application/json' })).status).toBe(404);
    const post = await fetch(`${keyward.server.url}/providers`, { method: 'POST', headers: asBrowser });
    expect(post.status).toBe(404);
  });
});

describe('its files', () => {
  it('are kept for a year, compressed where that is asked for', async () => {
    const html = await (await get('/', asBrowser)).text();
    const script = /src="(\/assets\/[\w.-]+\.js)"/.exec(html)?.[1] ?? '';
    const response = await get(script, { 'accept-encoding': 'br' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-encoding')).toBe('br');
    expect(response.headers.get('content-type')).toMatch(/javascript/);
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    await response.arrayBuffer();
  });

  it.each([
    '/assets/..%2f..%2fpackage.json',
    '/assets/%2e%2e%2findex.html',
    '/assets/../index.html',
    '/built-from',
  ])('%s leads to nothing else', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(await response.text()).not.toContain('"name": "keyward"');
  });
});
