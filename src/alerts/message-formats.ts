/**
 * A message in the JSON of each receiver: blocks of Slack, an adaptive card of Teams, an event of our own. Their
 * documents: docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and /reference/block-kit/blocks;
 * adaptivecards.io (version 1.4) in the envelope of the webhooks of Teams Workflows.
 */
import type { Severity } from './condition.ts';
import { textOf, type Message } from './message.ts';

type Json = Readonly<Record<string, unknown>>;

/** Limits of Slack: a header has 150 characters, a section 3,000, its field 2,000, and ten fields. */
const longestHeader = 150;
const longestSection = 3_000;
const mostFields = 10;

export function slackBody(message: Message): Json {
  const { title, facts, command, link } = message;
  const fields = facts
    .slice(0, mostFields)
    .map(({ label, text }) => markdown(`*${forSlack(label)}*\n${forSlack(text)}`, 2_000));
  return {
    text: cut(forSlack(title), longestSection),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: cut(title, longestHeader), emoji: false } },
      ...(fields.length > 0 ? [{ type: 'section', fields }] : []),
      ...(command === null
        ? []
        : [{ type: 'section', text: markdown(`\`${forSlack(command)}\``, longestSection) }]),
      ...(link === null
        ? []
        : [
            {
              type: 'actions',
              elements: [{ type: 'button', text: { type: 'plain_text', text: 'Look' }, url: link }],
            },
          ]),
      { type: 'context', elements: [markdown(forSlack(signatureOf(message)), longestSection)] },
    ],
  };
}

function markdown(text: string, longest: number): Json {
  return { type: 'mrkdwn', text: cut(text, longest) };
}

/** The three characters that steer Slack: a text must not call a channel or become a link of its own. */
function forSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const teamsColours: Readonly<Record<Severity, string>> = {
  info: 'accent',
  warning: 'warning',
  critical: 'attention',
};

export function teamsBody(message: Message): Json {
  const { title, facts, command, link, severity, event } = message;
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    msteams: { width: 'Full' },
    body: [
      {
        type: 'TextBlock',
        text: forTeams(title),
        weight: 'bolder',
        size: 'medium',
        wrap: true,
        color: event === 'resolved' ? 'good' : teamsColours[severity],
      },
      {
        type: 'FactSet',
        facts: facts.map(({ label, text }) => ({ title: forTeams(label), value: forTeams(text) })),
      },
      ...(command === null
        ? []
        : [{ type: 'TextBlock', text: forTeams(command), fontType: 'monospace', wrap: true }]),
      { type: 'TextBlock', text: forTeams(signatureOf(message)), isSubtle: true, size: 'small', wrap: true },
    ],
    ...(link !== null && { actions: [{ type: 'Action.OpenUrl', title: 'Look', url: link }] }),
  };
  const attachment = {
    contentType: 'application/vnd.microsoft.card.adaptive',
    contentUrl: null,
    content,
  };
  return { type: 'message', attachments: [attachment] };
}

/** What the markdown of cards would take for emphasis, a list or a link. */
function forTeams(text: string): string {
  return text.replaceAll(/[\\*_[\]()#]/g, String.raw`\$&`);
}

function signatureOf({ alert }: Message): string {
  return alert === null ? 'Keyward' : `Keyward, alert ${alert.id}. See to it: keyward alerts ack ${alert.id}`;
}

/** @param at when the message was queued: it is the same at every attempt */
export function webhookBody(message: Message, at: Date): Json {
  const { event, alert, severity, title, command, link, details } = message;
  return {
    type: event === 'test' ? 'alert.test' : `alert.${event}`,
    timestamp: at.toISOString(),
    data: {
      alert_id: alert?.id ?? null,
      kind: alert?.kind ?? null,
      severity,
      title,
      text: textOf(message),
      opened_at: alert?.openedAt.toISOString() ?? null,
      command,
      link,
      details,
    },
  };
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1).toWellFormed()}…`;
}
