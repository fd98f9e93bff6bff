/** A request as usage accounting is told of it: one that was answered, at no provider in particular. */
import type { UsageRecord } from '../../src/usage/usage-record.ts';

export function usageRecord(over: Partial<UsageRecord> = {}): UsageRecord {
  return {
    requestId: 'mine',
    at: new Date(0),
    tokenId: 0,
    userId: 'anybody',
    provider: 'groq',
    model: 'm',
    endpoint: 'chat/completions',
    keyFingerprint: 'fp',
    usedOwnKey: false,
    status: 200,
    errorCode: null,
    fallback: null,
    attempts: 1,
    traceParent: null,
    latencyMs: 1,
    timeToFirstTokenMs: 1,
    tokens: null,
    ...over,
  };
}
