/** A message says what, since when, who is affected, what serves now and what mends it, in the form of each receiver. */
import { describe, expect, it } from 'vitest';
import type { StoredAlert } from '../../src/alerts/alert-store.ts';
import { composeMessage, composeTest, textOf, type Message } from '../../src/alerts/message.ts';
import { slackBody, teamsBody, webhookBody } from '../../src/alerts/message-formats.ts';

const alert: StoredAlert = {
  id: '7',
  cause: 'key_dead:groq',
  kind: 'key_dead',
  severity: 'critical',
  providerId: 3,
  details: {
    what: 'The provider refuses the key of groq.',
    why: 'It said: key <revoked> & gone.',
    provider: 'groq',
    requestsLastHour: 12,
    serves: 'the key of the environment',
    command: 'keyward keys set groq',
  },
  occurrences: 1,
  openedAt: new Date('2026-03-01T09:00:00.000Z'),
  seenAt: new Date('2026-03-01T09:00:00.000Z'),
  resolvedAt: null,
  acknowledgedAt: null,
  acknowledgedBy: null,
  snoozedUntil: null,
  snoozedBy: null,
  reason: null,
  reminders: 0,
  nextReminderAt: null,
};
const place = { now: new Date('2026-03-01T12:30:00.000Z'), publicOrigin: 'https://keyward.example.com' };
const opened: Message = composeMessage('opened', alert, place);

describe('as text', () => {
  it('a new alert says all of it', () => {
    expect(textOf(opened)).toBe(
      [
        'Critical: The provider refuses the key of groq.',
        '',
        'Why:        It said: key <revoked> & gone.',
        'Since:      2026-03-01 09:00 UTC (3 h)',
        'Provider:   groq',
        'Affected:   12 requests in the last hour',
        'Serves now: the key of the environment',
        'Mend it:    keyward keys set groq',
        'Look:       https://keyward.example.com/health/alerts/7',
        'See to it:  keyward alerts ack 7',
        '',
      ].join('\n'),
    );
  });

  it('the end says how long it was, and asks for nothing', () => {
    const resolvedAt = new Date('2026-03-01T11:00:00.000Z');
    const text = textOf(composeMessage('resolved', { ...alert, resolvedAt }, place));
    expect(text).toMatch(/^Resolved: The provider refuses the key of groq\.\n\n/);
    expect(text).toContain('2026-03-01 09:00 UTC (2 h)');
    expect(text).not.toMatch(/Mend it|See to it|Serves now|Affected/);
  });

  it.each([
    ['reminder', {}, 'Still critical: '],
    ['updated', {}, 'Now critical: '],
    ['updated', { occurrences: 3 }, 'Critical, and it comes and goes: '],
  ] as const)('%s %j begins with %j', (event, fields, beginning) => {
    expect(composeMessage(event, { ...alert, ...fields }, place).title.startsWith(beginning)).toBe(true);
  });

  it('begins when the trouble began, where that is known better than when it was noticed', () => {
    const details = { ...alert.details, since: '2026-02-20T12:30:00.000Z' };
    expect(textOf(composeMessage('opened', { ...alert, details }, place))).toContain(
      '2026-02-20 12:30 UTC (9 d)',
    );
  });

  it('without PUBLIC_URL there is no link that leads nowhere', () => {
    expect(composeMessage('opened', alert, { ...place, publicOrigin: undefined }).link).toBeNull();
  });

  it('a test says that nothing is wrong', () => {
    expect(textOf(composeTest('on call', place))).toContain('Nothing is wrong.');
  });
});

describe('for Slack', () => {
  it('are blocks within its limits, and no text steers it', () => {
    const body = slackBody(opened) as { text: string; blocks: { type: string }[] };
    expect(body.text).toBe('Critical: The provider refuses the key of groq.');
    expect(body.blocks.map(({ type }) => type)).toEqual([
      'header',
      'section',
      'section',
      'actions',
      'context',
    ]);
    expect(JSON.stringify(body)).toContain('key &lt;revoked&gt; &amp; gone');
  });

  it('a long title is cut to what a header may have', () => {
    const long = composeMessage(
      'opened',
      { ...alert, details: { ...alert.details, what: '<!channel> '.repeat(50) } },
      place,
    );
    const { text, blocks } = slackBody(long) as { text: string; blocks: { text: { text: string } }[] };
    expect(blocks[0]?.text.text).toHaveLength(150);
    expect(text).not.toContain('<!channel>');
  });
});

describe('for Teams', () => {
  it('is an adaptive card in the envelope of a workflow, and no text is taken for markdown', () => {
    const details = { ...alert.details, what: 'Look [here](https://evil.example) *now*' };
    const body = teamsBody(composeMessage('opened', { ...alert, details }, place)) as {
      type: string;
      attachments: {
        contentType: string;
        content: { type: string; version: string; body: { text: string }[] };
      }[];
    };
    expect(body.type).toBe('message');
    expect(body.attachments[0]).toMatchObject({
      contentType: 'application/vnd.microsoft.card.adaptive',
      contentUrl: null,
      content: {
        type: 'AdaptiveCard',
        version: '1.4',
        actions: [{ type: 'Action.OpenUrl', url: 'https://keyward.example.com/health/alerts/7' }],
      },
    });
    expect(body.attachments[0]?.content.body[0]?.text).toBe(
      String.raw`Critical: Look \[here\]\(https://evil.example\) \*now\*`,
    );
  });
});

describe('for a webhook', () => {
  it('is an event with its type, its time and the alert', () => {
    const at = new Date('2026-03-01T09:00:01.000Z');
    expect(webhookBody(opened, at)).toMatchObject({
      type: 'alert.opened',
      timestamp: '2026-03-01T09:00:01.000Z',
      data: { alert_id: '7', kind: 'key_dead', severity: 'critical', details: { provider: 'groq' } },
    });
    expect(webhookBody(composeTest('x', place), at)).toMatchObject({
      type: 'alert.test',
      data: { alert_id: null },
    });
  });
});
