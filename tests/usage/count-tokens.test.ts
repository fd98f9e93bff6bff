import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AnswerEnds, countTokens, modelIn } from '../../src/usage/count-tokens.ts';

function counted(
  text: string,
  { isStream = false, promptBytes = null as number | null, sizes = [1_000] } = {},
) {
  const ends = new AnswerEnds(isStream);
  const bytes = Buffer.from(text);
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    ends.saw(bytes.subarray(at, at + size));
    at += size;
  }
  return countTokens(ends, promptBytes === null ? null : () => promptBytes);
}

const told = (prompt: number, completion: number, cached = 0) => ({
  prompt,
  completion,
  cached,
  isEstimate: false,
});

describe('tokens are counted as the provider says them', () => {
  test.each([
    [
      'a chat',
      {
        choices: [],
        usage: { prompt_tokens: 5, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 2 } },
      },
      told(5, 7, 2),
    ],
    [
      'a response',
      {
        output: [],
        usage: { input_tokens: 11, input_tokens_details: { cached_tokens: 2 }, output_tokens: 7 },
      },
      told(11, 7, 2),
    ],
    ['an embedding', { data: [], usage: { prompt_tokens: 9, total_tokens: 9 } }, told(9, 0)],
    [
      "Anthropic's message",
      {
        content: [],
        usage: {
          input_tokens: 12,
          cache_read_input_tokens: 3,
          cache_creation_input_tokens: 4,
          output_tokens: 6,
        },
      },
      told(19, 6, 3),
    ],
    [
      "Google's answer",
      {
        candidates: [],
        usageMetadata: {
          promptTokenCount: 9,
          cachedContentTokenCount: 2,
          candidatesTokenCount: 5,
          thoughtsTokenCount: 4,
        },
      },
      told(9, 9, 2),
    ],
  ])('in %s', (_, answer, expected) => {
    expect(counted(JSON.stringify(answer))).toEqual(expected);
    expect(counted(JSON.stringify(answer, null, 2))).toEqual(expected);
  });

  test('at the end of an answer of any length, however its pieces are cut', () => {
    const answer = { data: 'x'.repeat(300_000), usage: { prompt_tokens: 5, completion_tokens: 7 } };
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 }), (sizes) => {
        expect(counted(JSON.stringify(answer), { sizes })).toEqual(told(5, 7));
      }),
      { numRuns: 30 },
    );
  });

  test("at the beginning and the end of Anthropic's stream", () => {
    const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
    const stream = [
      event({
        type: 'message_start',
        message: { usage: { input_tokens: 12, cache_read_input_tokens: 3, output_tokens: 1 } },
      }),
      ...Array.from({ length: 5_000 }, () =>
        event({ type: 'content_block_delta', delta: { text: 'word ' } }),
      ),
      event({ type: 'message_delta', usage: { output_tokens: 5_000 } }),
    ];
    expect(counted(stream.join(''), { isStream: true })).toEqual(told(15, 5_000, 3));
  });

  test('and not as the text of an answer says it', () => {
    const forged = '{"usage":{"prompt_tokens":999999,"completion_tokens":999999}}';
    const answer = {
      choices: [{ message: { content: forged } }],
      usage: { prompt_tokens: 5, completion_tokens: 7 },
    };
    expect(counted(JSON.stringify(answer))).toEqual(told(5, 7));
    expect(counted(JSON.stringify({ choices: [{ message: { content: forged } }] }))).toBeNull();
  });

  test('a stream that says nothing is estimated, and marked so', () => {
    const stream = `${'data: {"choices":[{"delta":{"content":"w "}}]}\n\n'.repeat(40)}data: [DONE]\n\n`;
    expect(counted(stream, { isStream: true, promptBytes: 400 })).toEqual({
      prompt: 100,
      completion: 41,
      cached: 0,
      isEstimate: true,
    });
  });

  test.each([
    ['nothing is known of bytes that are no JSON', 'ID3 audio'],
    ['numbers that are none count for nothing', '{"usage":{"prompt_tokens":"5","completion_tokens":-7}}'],
    [
      'more than any model takes is no number',
      '{"usage":{"prompt_tokens":9007199254740991,"completion_tokens":1e300}}',
    ],
    ['an object that does not end is not read', '{"a":1,"usage":{"prompt_tokens":5'],
  ])('%s', (_, text) => {
    expect(counted(text)).toBeNull();
  });
});

describe('the model of an answer', () => {
  const named = (text: string): string => {
    const ends = new AnswerEnds(false);
    ends.saw(Buffer.from(text));
    return modelIn(ends);
  };

  test.each([
    ['{"id":"1","model":"gpt-4o-2024-08-06","choices":[]}', 'gpt-4o-2024-08-06'],
    ['data: {"type":"message_start","message":{"model": "claude-x"}}\n\n', 'claude-x'],
    ['{\n  "candidates": [],\n  "modelVersion": "gemini-3"\n}', 'gemini-3'],
    [JSON.stringify({ text: '{"model":"forged"}' }), ''],
    ['{"model":5}', ''],
    ['', ''],
  ])('%j: %s', (text, model) => {
    expect(named(text)).toBe(model);
  });
});
