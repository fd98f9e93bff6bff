/**
 * The Chromium that npm delivers, for tests of the page and for pictures of it; or the one that
 * KEYWARD_TEST_CHROMIUM names, where there is none for this kind of machine.
 */
import sparticuz from '@sparticuz/chromium';
import { chromium, type Browser } from 'playwright-core';

/** Unpacked once: two that unpack it at the same time would start half of it. */
export async function findChromium(): Promise<string> {
  return process.env['KEYWARD_TEST_CHROMIUM'] ?? sparticuz.executablePath();
}

export async function startChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    // Root may not have a sandbox; the drawing is done by the processor, the same everywhere, and without a graphics
    // card that is made up: that takes half as long again.
    args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none'],
  });
}
