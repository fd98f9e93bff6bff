/** The wire texts that the bench sends: what a caller asks, and what the stand-in provider answers, small and streamed. */

/** What a caller may ask of the provider. */
export type Workload = 'small' | 'streamed';

export const streamedEvents = 50;

const model = 'openrouter/bench/stand-in';
const text = 'A gateway keeps the keys of its providers, so that no program has to hold one.';

/** The body of a request. */
export function chatRequest(workload: Workload): string {
  return JSON.stringify({
    model,
    messages: [
      { role: 'system', content: 'Answer in one sentence.' },
      { role: 'user', content: 'What is a gateway for large language models good for?' },
    ],
    temperature: 0.2,
    ...(workload === 'streamed' && { stream: true }),
  });
}

/** Stands in the body of a streamed request and in no other. */
export const streamedMark = '"stream":true';

const commonHead = [
  'HTTP/1.1 200 OK',
  'date: Sun, 01 Nov 2026 12:00:00 GMT',
  'x-request-id: req_0123456789abcdef',
  'x-ratelimit-limit-requests: 10000',
  'x-ratelimit-remaining-requests: 9999',
];

const answer = JSON.stringify({
  id: 'chatcmpl-0123456789abcdef',
  object: 'chat.completion',
  created: 1_793_000_000,
  model: 'bench/stand-in',
  choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 31, completion_tokens: 17, total_tokens: 48 },
});

/** A whole small answer. */
export const smallAnswer: Buffer = httpMessage(
  [...commonHead, 'content-type: application/json', `content-length: ${answer.length}`],
  answer,
);

/** A streamed answer: its head, its events as one HTTP chunk each, its end. */
export const streamedAnswer: readonly Buffer[] = [
  httpMessage([...commonHead, 'content-type: text/event-stream', 'transfer-encoding: chunked'], ''),
  ...Array.from({ length: streamedEvents - 1 }, (_, index) => httpChunk(`data: ${streamedPiece(index)}\n\n`)),
  Buffer.concat([httpChunk('data: [DONE]\n\n'), Buffer.from('0\r\n\r\n')]),
];

function streamedPiece(index: number): string {
  return JSON.stringify({
    id: 'chatcmpl-0123456789abcdef',
    object: 'chat.completion.chunk',
    created: 1_793_000_000,
    model: 'bench/stand-in',
    choices: [{ index: 0, delta: { content: text.slice(index, index + 4) }, finish_reason: null }],
  });
}

function httpMessage(head: readonly string[], body: string): Buffer {
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function httpChunk(data: string): Buffer {
  return Buffer.from(`${data.length.toString(16)}\r\n${data}\r\n`);
}
