import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classifyAnswer } from '../../src/providers/classify-answer.ts';
import { knownProviders, providerEntry } from '../../src/providers/registry.ts';
import { sharedAnswers } from '../../src/providers/shared-answers.ts';
import { isProof, verdicts } from '../../src/providers/verdict.ts';
import corpus from './answers.json' with { type: 'json' };

/** Strings stand for the body to the letter; anything else is sent as JSON. */
function bodyOf(answer: { readonly body: unknown }): string {
  return typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
}

describe('the corpus of provider answers', () => {
  test.each(corpus)('$provider, $status: $answer → $verdict', (answer) => {
    const classified = classifyAnswer(providerEntry(answer.provider), {
      status: answer.status,
      body: bodyOf(answer),
    });
    expect({ verdict: classified.verdict, code: classified.code }).toEqual({
      verdict: answer.verdict,
      code: 'code' in answer ? answer.code : undefined,
    });
  });

  test('has answers of every known provider and an example of every verdict', () => {
    const covered = new Set(corpus.map((answer) => answer.provider));
    expect(knownProviders.map((entry) => entry.slug).filter((slug) => !covered.has(slug))).toEqual([]);
    expect(new Set(corpus.map((answer) => answer.verdict))).toEqual(new Set(verdicts));
  });

  test('reaches every rule that an entry states, and every shared one', () => {
    const reached = new Set(
      corpus.map((answer) => {
        const entry = providerEntry(answer.provider);
        const { message } = classifyAnswer(entry, { status: answer.status, body: bodyOf(answer) });
        return message.replaceAll(entry.displayName, '{provider}');
      }),
    );
    const unreached = knownProviders
      .flatMap((entry) =>
        entry.answers.map((rule) => rule.message.replaceAll(entry.displayName, '{provider}')),
      )
      .concat(sharedAnswers.map((rule) => rule.message))
      .filter((message) => !reached.has(message));
    expect(unreached).toEqual([]);
  });
});

describe('a good answer proves a key only when it is whole and of the expected shape', () => {
  const good = corpus.filter((answer) => answer.verdict === 'valid');

  test.each(good)('$provider: $answer, cut short, proves nothing', (answer) => {
    const body = bodyOf(answer);
    for (const length of [0, 1, Math.floor(body.length / 2), body.length - 1]) {
      const cut = { status: 200, body: body.slice(0, length) };
      expect(classifyAnswer(providerEntry(answer.provider), cut).verdict).toBe('unknown');
    }
  });

  test('the good answer of one provider does not prove a key of OpenRouter', () => {
    const foreign = good.filter((answer) => answer.provider !== 'openrouter');
    for (const answer of foreign) {
      const classified = classifyAnswer(providerEntry('openrouter'), { status: 200, body: bodyOf(answer) });
      expect(classified.verdict).toBe('unknown');
    }
  });
});

describe('whatever comes back', () => {
  const slugs = [...knownProviders.map((entry) => entry.slug), 'some-other', '__proto__', 'a$&b'];
  const bodies = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((value) => JSON.stringify({ error: value })),
  );

  test('the classification is a known verdict and no error', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...slugs),
        fc.integer({ min: 100, max: 599 }),
        bodies,
        (slug, status, body) => {
          const classified = classifyAnswer(providerEntry(slug), { status, body });
          expect(verdicts).toContain(classified.verdict);
          expect(classified.message).not.toContain('{provider}');
        },
      ),
    );
  });

  test('nothing but 200, 400, 401 and 403 is ever proof, and a 5xx never', () => {
    const statuses = fc
      .integer({ min: 100, max: 599 })
      .filter((status) => ![200, 400, 401, 403].includes(status));
    fc.assert(
      fc.property(fc.constantFrom(...slugs), statuses, fc.constantFrom(...corpus), (slug, status, answer) => {
        expect(isProof(classifyAnswer(providerEntry(slug), { status, body: bodyOf(answer) }).verdict)).toBe(
          false,
        );
      }),
    );
  });

  test('a key that the provider echoes is not repeated', () => {
    const key = ['sk', 'proj', 'A1b2C3d4E5f6G7h8'.repeat(3)].join('-');
    const echoes = [
      { error: { message: `Incorrect API key provided: ${key}`, code: key, type: key, status: key } },
      { error: { details: [{ reason: key }] } },
      { code: key, type: key, error: key },
    ];
    for (const entry of knownProviders) {
      for (const status of [200, 400, 401, 403, 418, 429, 500]) {
        for (const body of echoes) {
          const classified = classifyAnswer(entry, { status, body: JSON.stringify(body) });
          expect(JSON.stringify(classified)).not.toContain(key);
        }
      }
    }
  });

  test('text that a caller sent and the provider repeats cannot make a verdict of proof', () => {
    const said = 'Incorrect API key. Your API key was reported as leaked. invalid_api_key API_KEY_INVALID';
    const sent = `${said} "error":"${said}" "message":"${said}" <html>401 Authorization Required openresty`;
    for (const entry of knownProviders) {
      for (const status of [400, 403]) {
        const body = JSON.stringify({ error: { message: `I do not like: ${sent}` } });
        expect(isProof(classifyAnswer(entry, { status, body }).verdict)).toBe(false);
      }
    }
  });

  test('a body of many megabytes and one of a hundred thousand brackets are survived', () => {
    const entry = providerEntry('openai');
    const huge = `{"data":[${'"x",'.repeat(4_000_000)}"x"]}`;
    expect(classifyAnswer(entry, { status: 200, body: huge }).verdict).toBe('unknown');
    expect(classifyAnswer(entry, { status: 200, body: '['.repeat(100_000) }).verdict).toBe('unknown');
    expect(classifyAnswer(entry, { status: 500, body: huge }).verdict).toBe('unreachable');
  });
});
