/** The page in a real browser, for the tests of one file: whoever opens it is signed in, and every fault that the browser tells fails the test. */
import axe, { type AxeResults } from 'axe-core';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { startChromium } from './chromium.ts';
import { atDepth } from './depth.ts';

interface Look {
  /** CSS pixels; 1280 where absent. */
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** That of the machine may be none that a browser of a person has: en-GB where absent. */
  readonly locale?: string;
  /** Where else requests may go: the origin of an identity provider. */
  readonly leaveFor?: string;
}

/** What every view is looked at in: each theme and each width once, or every pair of them. */
export const looks = atDepth<readonly (readonly ['light' | 'dark', number])[]>({
  usual: [
    ['light', 360],
    ['dark', 1280],
  ],
  thorough: [
    ['light', 360],
    ['light', 1280],
    ['dark', 360],
    ['dark', 1280],
  ],
});

export interface PageVisits {
  /** A browser that nobody has signed in with. */
  readonly visit: (url: string, look?: Look) => Promise<Page>;
  /** Signed in with an admin token, at an address of the page. */
  readonly signedIn: (origin: string, token: string, path?: string, look?: Look) => Promise<Page>;
}

/** Starts the browser before the first test of a file and ends it after the last. */
export function usePage(): PageVisits {
  let browser: Browser;
  let contexts: BrowserContext[] = [];
  let faults: string[] = [];
  beforeAll(async () => {
    browser = await startChromium(inject('chromiumPath'));
  });
  afterEach(async () => {
    await Promise.all(contexts.map(async (context) => context.close()));
    contexts = [];
    const told = faults;
    faults = [];
    expect(told, 'what the browser told').toEqual([]);
  });
  afterAll(async () => browser.close());
  const openPage = async (
    url: string,
    { width = 1280, colorScheme = 'light', locale = 'en-GB', leaveFor }: Look = {},
  ): Promise<Page> => {
    const context = await browser.newContext({
      viewport: { width, height: 800 },
      colorScheme,
      // Nothing has to be waited for that only moves.
      reducedMotion: 'reduce',
      locale,
    });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const { origin } = new URL(url);
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      // Refusals and lost connections are told by the page itself.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        faults.push(message.text());
    });
    page.on('request', (request) => {
      if (![origin, leaveFor].includes(new URL(request.url()).origin))
        faults.push(`a request left for ${request.url()}`);
    });
    return page;
  };
  return {
    visit: async (url, look) => {
      const page = await openPage(url, look);
      await page.goto(url);
      return page;
    },
    // With the request of the form, which has tests of its own: a page less to draw for every test.
    signedIn: async (origin, token, path = '/', look) => {
      const page = await openPage(origin, look);
      const answer = await page.request.post(`${origin}/api/v1/admin/session`, {
        data: { token },
        headers: { origin },
      });
      expect(answer.ok(), await answer.text()).toBe(true);
      await page.goto(origin + path);
      await page.getByRole('button', { name: /^Account: / }).waitFor();
      return page;
    },
  };
}

const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** axe-core finds nothing on what is shown now (WCAG 2.2, A and AA). */
export async function expectAccessible(page: Page): Promise<void> {
  // What is read again has no heading for a moment.
  await page.locator('h1').first().waitFor({ state: 'attached' });
  await page.evaluate(axe.source);
  // What is moving is half transparent: its colours are not yet those that people see.
  await page.evaluate(
    'Promise.all(document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity).map((one) => one.finished.catch(() => undefined)))',
  );
  const options = { runOnly: standards, resultTypes: ['violations'], preload: false };
  const { violations } = await page.evaluate<AxeResults>(`axe.run(${JSON.stringify(options)})`);
  const told = violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary ?? ''}`).join('; ')}`,
  );
  expect(told).toEqual([]);
}

/** Waits until the control has the focus. */
export async function untilFocused(control: Locator): Promise<void> {
  await control.and(control.page().locator(':focus')).waitFor();
}

/** Text twice as large, as somebody sets it in their browser; nothing has to be scrolled sideways for it. */
export async function expectNoSidewaysAtDoubleText(page: Page, what: string): Promise<void> {
  await page.evaluate("document.documentElement.style.fontSize = '32px'");
  // What is drawn anew after a change of the size takes some frames.
  await expect.poll(async () => tooWide(page), { message: what }).toEqual([]);
}

/** Some of what makes the page wider than its window; what scrolls by itself does not. */
async function tooWide(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const scrolls = (one) => one !== null && (getComputedStyle(one).overflowX !== 'visible' || scrolls(one.parentElement));
    const wide = [...document.querySelectorAll('#view *')]
      .filter((one) => one.getBoundingClientRect().right > clientWidth + 1 && !scrolls(one.parentElement))
      .slice(0, 5)
      .map((one) => one.outerHTML.slice(0, 160));
    return [scrollWidth + ' px of ' + clientWidth, ...wide];
  })()`);
}
