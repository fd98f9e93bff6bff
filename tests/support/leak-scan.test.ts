/** The scan for leaks finds what it must: otherwise a promise would be kept by a blind eye. */
import { describe, expect, it } from 'vitest';
import { LeakScan } from './leak-scan.ts';

const value = ['sk', 'planted', 'Zk3+/Qx7bPw9Lm2Rt5', 'end'].join('-');
const scan = new LeakScan([{ name: 'a key', value }]);

describe('a planted key', () => {
  it.each([
    ['as such', `Cannot use ${value} here`],
    ['in part', `…${value.slice(6, 26)}…`],
    ['in a URL', `https://x/?key=${encodeURIComponent(value)}`],
    ['in hexadecimal', Buffer.from(value).toString('hex')],
    ['in base64', Buffer.from(value).toString('base64')],
    ['in base64 amid other bytes', Buffer.from(`Bearer ${value}!`).toString('base64')],
    ['in base64url', Buffer.from(`x${value}`).toString('base64url')],
    ['backwards', Array.from(value).toReversed().join('')],
    ['in binary data', Buffer.concat([Buffer.from([0, 255, 128]), Buffer.from(value)])],
  ])('is found %s', (_how, written) => {
    expect(scan.findIn(written)).not.toEqual([]);
  });

  it.each([
    ['its mask', `${value.slice(0, 7)}…${value.slice(-4)}`],
    ['other text', 'sk-planted is how keys of the tests begin'],
  ])('is not seen in %s', (_what, written) => {
    expect(scan.findIn(written)).toEqual([]);
  });
});
