/** Audit events of the kinds that a busy installation has, for a trail to measure on. */
import { commandActor } from '../src/audit/actors.ts';
import { eventText, type AuditEntry, type Occasion } from '../src/audit/audit-event.ts';

const command: Occasion = { actor: commandActor() };
const request: Occasion = {
  actor: {
    kind: 'session',
    id: '0b7c1d5e-6a0f-4c55-9a43-3c0f6f3e1a52',
    name: 'an administrator of the platform',
    role: 'admin',
    address: '10.20.30.40',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  },
  requestId: '9c1f4f1e-1f0b-4f4e-8a86-5c8b5a0d2f11',
};
const shown = (digit: string) => ({
  source: 'database',
  fingerprint: `fp_${digit.repeat(12)}`,
  mask: `sk-or-v…${digit.repeat(4)}`,
});

const kinds: readonly [readonly [Occasion, AuditEntry], ...(readonly [Occasion, AuditEntry])[]] = [
  [
    { ...request, reason: 'the yearly rotation' },
    {
      action: 'provider.key_set',
      target: { kind: 'provider', id: 'openrouter' },
      before: shown('a'),
      after: shown('b'),
    },
  ],
  [
    request,
    {
      action: 'provider.key_tested',
      target: { kind: 'provider', id: 'openrouter' },
      after: { fingerprint: 'fp_bbbbbbbbbbbb', source: 'database', verdict: 'valid' },
    },
  ],
  [request, { action: 'session.started', target: { kind: 'session', id: '0b7c1d5e' } }],
  [
    command,
    {
      action: 'token.created',
      target: { kind: 'token', id: '7' },
      after: { kind: 'gateway', name: 'reports' },
    },
  ],
];

/** The text of the event with this number; the kinds take turns. */
export function eventAt(sequence: number): string {
  const [occasion, entry] = kinds[sequence % kinds.length] ?? kinds[0];
  return eventText(sequence, new Date(), occasion, entry);
}
