/** The rules judge every answer of the corpus as it says, and take nothing else for proof. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerRule } from '../../src/providers/answer-rule.ts';
import { classifyAnswer, rulesFor } from '../../src/providers/classify-answer.ts';
import { providerEntry } from '../../src/providers/registry.ts';
import { isProof, verdicts } from '../../src/providers/verdict.ts';
import { answerCases, corpusFiles, corpusSlugs, wireOf } from '../support/corpus.ts';
import { failingCases, judged } from '../support/judge-corpus.ts';

describe('the corpus of provider answers', () => {
  test('is judged as it says, at every provider', () => {
    expect(corpusSlugs.flatMap((slug) => failingCases(slug))).toEqual([]);
  });

  test('has a file for every known provider, and an example of every verdict', () => {
    expect(corpusFiles.toSorted()).toEqual([...corpusSlugs, 'any-provider'].toSorted());
    expect(new Set(answerCases.map(({ expected }) => expected.verdict))).toEqual(new Set(verdicts));
  });

  test('says of no two answers the same name', () => {
    const titles = answerCases.map(({ title }) => title);
    expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
  });
});

describe('a rule that names proof', () => {
  const rules = corpusSlugs.flatMap((slug) =>
    rulesFor(providerEntry(slug)).map((rule): [slug: string, rule: AnswerRule] => [slug, rule]),
  );
  const proofs = rules.filter(([, { verdict }]) => isProof(verdict));

  test('is there at every provider, for and against the key', () => {
    for (const slug of corpusSlugs) {
      const named = proofs.filter(([owner]) => owner === slug).map(([, { verdict }]) => verdict);
      expect(named, slug).toEqual(expect.arrayContaining(['valid', 'invalid']));
    }
  });

  test('names its status, and what a whole answer of an API must say besides', () => {
    const bare = proofs.filter(
      ([, { status, code, fields, headers }]) =>
        !(typeof status === 'number' || Array.isArray(status)) || (code ?? fields ?? headers) === undefined,
    );
    expect(bare).toEqual([]);
  });

  test('never listens to a web page', () => {
    expect(proofs.filter(([, { from }]) => from !== undefined && from !== 'api')).toEqual([]);
  });
});

describe('a good answer proves a key only when it is whole and of the expected shape', () => {
  const good = answerCases.filter(({ expected }) => expected.verdict === 'valid');

  test.each(good)('$title, cut short, proves nothing', ({ slug, expected }) => {
    const { status, headers, body } = wireOf(expected);
    for (const length of [0, 1, Math.floor(body.length / 2), body.length - 1]) {
      expect(judged(slug, { status, headers, body: body.slice(0, length) }).verdict).toBe('unknown');
    }
  });

  test('the good answer of one provider does not prove a key of OpenRouter', () => {
    for (const { slug, expected } of good.filter(({ slug }) => slug !== 'openrouter')) {
      expect(judged('openrouter', wireOf(expected)).verdict, slug).toBe('unknown');
    }
  });
});

describe('whatever comes back', () => {
  const slugs = [...corpusSlugs, '__proto__', 'a$&b'];
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
          const classified = judged(slug, { status, body });
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
      fc.property(
        fc.constantFrom(...slugs),
        statuses,
        fc.constantFrom(...answerCases),
        (slug, status, one) => {
          const { headers, body } = wireOf(one.expected);
          expect(isProof(judged(slug, { status, headers, body }).verdict)).toBe(false);
        },
      ),
    );
  });

  test('a web page is never proof, whatever its status, its headers and its words', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...slugs),
        fc.integer({ min: 100, max: 599 }),
        fc.constantFrom(...answerCases),
        (slug, status, one) => {
          const { headers, body } = wireOf(one.expected);
          const page = `<!DOCTYPE html><html><body>${body}</body></html>`;
          expect(isProof(judged(slug, { status, headers, body: page }).verdict)).toBe(false);
        },
      ),
    );
  });

  test('a key that the provider echoes is not repeated', () => {
    const key = ['sk', 'proj', 'A1b2C3d4E5f6G7h8'.repeat(3)].join('-');
    const echoes = [
      { error: { message: `Incorrect API key provided: ${key}`, code: key, type: key, status: key } },
      { error: { details: [{ reason: key }] } },
      { code: key, type: key, error: key },
    ];
    for (const slug of corpusSlugs) {
      for (const status of [200, 400, 401, 403, 418, 429, 500]) {
        for (const body of echoes) {
          const headers = { 'www-authenticate': key, 'content-type': key };
          const classified = judged(slug, { status, headers, body: JSON.stringify(body) });
          expect(JSON.stringify(classified)).not.toContain(key);
        }
      }
    }
  });

  test('text that a caller sent and the provider repeats cannot make a verdict of proof', () => {
    const said = 'Incorrect API key. Your API key was reported as leaked. invalid_api_key API_KEY_INVALID';
    const sent = `${said} "error":"${said}" "message":"${said}" <html>401 Authorization Required openresty`;
    for (const slug of corpusSlugs) {
      for (const status of [400, 403]) {
        const body = JSON.stringify({ error: { message: `I do not like: ${sent}` } });
        expect(isProof(judged(slug, { status, body }).verdict), slug).toBe(false);
      }
    }
  });

  test('a body of many megabytes and one of a hundred thousand brackets are survived', () => {
    const huge = `{"data":[${'"x",'.repeat(4_000_000)}"x"]}`;
    expect(judged('openai', { status: 200, body: huge }).verdict).toBe('unknown');
    expect(judged('openai', { status: 200, body: '['.repeat(100_000) }).verdict).toBe('unknown');
    expect(judged('openai', { status: 500, body: huge }).verdict).toBe('unreachable');
  });
});

describe('a header', () => {
  test('that stands more than once is read as one list', () => {
    const headers = { 'www-authenticate': ['Bearer realm="a"', 'Basic realm="b"'] };
    const twice = classifyAnswer(providerEntry('groq'), { status: 401, headers, body: '{}' });
    expect(twice.verdict).toBe('invalid');
    const basicFirst = { 'www-authenticate': headers['www-authenticate'].toReversed() };
    expect(judged('groq', { status: 401, headers: basicFirst, body: '{}' }).code).toBe('password_wanted');
  });

  test('that labels JSON as a page does not make it one', () => {
    const answer = { status: 200, headers: { 'content-type': 'text/html' }, body: '{"data":[]}' };
    expect(judged('groq', answer).verdict).toBe('valid');
  });
});
