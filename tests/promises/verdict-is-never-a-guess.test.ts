/**
 * The promise: every answer of the corpus, sent by a real server to the real test of a key, is judged as the
 * corpus says; only proof counts for or against a key; and no test spends a token.
 */
import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Secret } from '../../src/foundation/secret.ts';
import { testKey, type KeyTestResult, type TestedUpstream } from '../../src/keys/test-key.ts';
import type { AnswerRule } from '../../src/providers/answer-rule.ts';
import { named, rulesFor } from '../../src/providers/classify-answer.ts';
import { keyFactsJson } from '../../src/providers/key-facts.ts';
import { providerEntry } from '../../src/providers/registry.ts';
import { foremostAnswers, lastAnswers } from '../../src/providers/shared-answers.ts';
import { isProof, testStatusOf } from '../../src/providers/verdict.ts';
import { answerCases, corpusSize, corpusSlugs, faultCases, toldBy, wireOf } from '../support/corpus.ts';
import { startFaultyUpstream } from '../support/faulty-upstream.ts';
import { disagreement, failingCases } from '../support/judge-corpus.ts';
import { tellFigure } from '../support/promise-figures.ts';
import { startStandInProvider, type StandInProvider } from '../support/stand-in-provider.ts';
import { ruleName, rulesWithLooseProof } from '../support/weakened-rules.ts';

vi.setConfig({ testTimeout: 120_000 });

const promise = 'a verdict is never a guess';
const key = ['planted', 'key', 'x'.repeat(24), '6e6e'].join('-');

/** Long enough for any answer on loopback: only those who never answer come up against it. */
const patience = { timeoutMs: 5_000 };
/** For those who never answer, whatever it is. */
const impatience = { timeoutMs: 50 };

const standIns = new Map<string, StandInProvider>();
afterAll(async () => {
  await Promise.all([...standIns.values()].map(async (standIn) => standIn.close()));
});

async function standInFor(slug: string): Promise<StandInProvider> {
  const started = standIns.get(slug) ?? (await startStandInProvider({ slug, keys: [key] }));
  standIns.set(slug, started);
  return started;
}

const at = (baseUrl: string): TestedUpstream => ({ baseUrl, allowPrivateNetwork: false, headers: {} });

/** The result of a test of the key that is answered so, by a server, over HTTP. */
async function testAnswered(slug: string, answer: ReturnType<typeof wireOf>): Promise<KeyTestResult> {
  const standIn = await standInFor(slug);
  const { status, headers, body } = answer;
  standIn.behave({ answer: { status, headers, body } });
  return testKey(providerEntry(slug), at(standIn.baseUrl), new Secret(key), patience);
}

/** Which of them disagree with the corpus, each in a sentence. */
async function disagreements<Case extends (typeof answerCases)[number] | (typeof faultCases)[number]>(
  cases: readonly Case[],
  run: (one: Case) => Promise<KeyTestResult>,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const one of cases) {
    const result = await run(one);
    const said = disagreement(one, result);
    if (said !== undefined) found.push(said);
    if (isProof(result.verdict) !== ['valid', 'invalid', 'compromised'].includes(one.expected.verdict))
      found.push(`${one.title} counts wrongly as proof`);
    if ((testStatusOf(result.verdict) === 'invalid') !== proofsAgainst.has(one.expected.verdict))
      found.push(`${one.title} sets the key aside, or does not`);
    if (JSON.stringify(result).includes('6e6e')) found.push(`${one.title} repeats the key`);
  }
  return found;
}

const proofsAgainst: ReadonlySet<string> = new Set(['invalid', 'compromised']);

describe('over HTTP, at every provider', () => {
  it('every answer of the corpus is judged as it says, with what it tells for free', async () => {
    const found = await disagreements(answerCases, async ({ slug, expected }) =>
      testAnswered(slug, wireOf(expected)),
    );
    expect(found).toEqual([]);
    tellFigure(
      promise,
      `${corpusSize} answers and faults in the corpus; ${answerCases.length} of ${answerCases.length} answers over HTTP at ${corpusSlugs.length} providers judged as it says`,
    );
  });

  it('what a provider tells for free is told on, and nothing besides', async () => {
    const got: unknown[] = [];
    const told = answerCases.filter(({ expected }) => expected.status === 200);
    for (const { slug, expected, title } of told) {
      const { facts, modelsAvailable } = await testAnswered(slug, wireOf(expected));
      got.push({ title, ...keyFactsJson(facts), models_available: modelsAvailable });
    }
    const expected = told.map((one) => ({ title: one.title, ...toldBy(one.expected) }));
    expect(got).toEqual(expected);
  });

  it('every fault on the way leaves the key unjudged', async () => {
    const found = await disagreements(faultCases, async ({ slug, expected }) => {
      const upstream = await startFaultyUpstream(expected.fault, slug, key);
      const neverAnswers = expected.code === 'timeout';
      try {
        return await testKey(
          providerEntry(slug),
          at(upstream.baseUrl),
          new Secret(key),
          neverAnswers ? impatience : patience,
        );
      } finally {
        await upstream.close();
      }
    });
    expect(found).toEqual([]);
    tellFigure(
      promise,
      `${faultCases.length} of ${faultCases.length} faults on the way left the key unjudged`,
    );
  });

  it('no test of a key is a call that could spend a token', async () => {
    let seen = 0;
    for (const slug of corpusSlugs) {
      const standIn = await standInFor(slug);
      standIn.behave({});
      await testKey(providerEntry(slug), at(standIn.baseUrl), new Secret(key), patience);
      const spending = standIn.requests.filter(({ method, path, body }) => {
        const isFree = method === 'GET' || (method === 'POST' && path === '/v1/check-api-key');
        return !isFree || body.length > 0 || /chat|complet|generate|messages|embed|responses/i.test(path);
      });
      expect(spending, slug).toEqual([]);
      seen += standIn.requests.length;
    }
    expect(seen).toBeGreaterThanOrEqual(corpusSlugs.length);
    tellFigure(promise, `0 of ${seen} test calls could spend a token`);
  });
});

describe('the corpus', () => {
  it('notices when any rule is taken away', () => {
    const own = corpusSlugs.flatMap((slug) =>
      providerEntry(slug).answers.map((_, at) => ({ slug, at: at + foremostAnswers.length })),
    );
    const unnoticed = own.filter(({ slug, at }) => {
      const rules = rulesFor(providerEntry(slug));
      return failingCases(slug, rules.toSpliced(at, 1)).length === 0;
    });
    const shared = [...foremostAnswers, ...lastAnswers];
    const unnoticedShared = shared.filter(
      (rule) =>
        !corpusSlugs.some((slug) => {
          const rules = rulesFor(providerEntry(slug)).filter((one) => one !== rule);
          return failingCases(slug, rules).length > 0;
        }),
    );
    expect(unnoticed.map(({ slug, at }) => ruleName(slug, rulesFor(providerEntry(slug))[at]))).toEqual([]);
    expect(unnoticedShared.map((rule) => ruleName('any', rule))).toEqual([]);
    const rules = own.length + shared.length;
    tellFigure(promise, `${rules} of ${rules} rules are missed when they are taken away`);
  });

  it('notices when any condition of a rule that names proof is dropped', () => {
    const loose = rulesWithLooseProof();
    expect(loose.unnoticed).toEqual([]);
    tellFigure(promise, `${loose.dropped} of ${loose.dropped} conditions of proof are missed when dropped`);
  });
});

const ownCases = answerCases.filter(({ shared }) => !shared);

/** Answers near those of the corpus and far from them: other statuses, cut, wrapped, mixed, and pure noise. */
const strangeAnswers = fc
  .record({
    near: fc.oneof(fc.constantFrom(...answerCases), fc.constantFrom(...ownCases)),
    at: fc.oneof(fc.constant('home' as const), fc.constantFrom(...corpusSlugs)),
    otherStatus: fc.option(
      fc.oneof(fc.constantFrom(200, 400, 401, 402, 403, 404, 429), fc.integer({ min: 200, max: 599 })),
      { freq: 1 },
    ),
    otherHeaders: fc.option(fc.constantFrom(...answerCases.map(({ expected }) => wireOf(expected).headers)), {
      freq: 1,
    }),
    change: fc.constantFrom('keep', 'keep', 'keep', 'cut', 'wrap', 'page', 'text', 'noise', 'empty'),
    noise: fc.oneof(fc.string(), fc.json()),
  })
  .map(({ near, at, otherStatus, otherHeaders, change, noise }) => {
    const wire = wireOf(near.expected);
    const { body } = wire;
    const status = otherStatus ?? wire.status;
    const bodies = {
      keep: body,
      cut: body.slice(0, Math.floor(body.length / 2)),
      wrap: JSON.stringify([{ answer: body }]),
      page: `<html><body>${body}</body></html>`,
      text: `upstream said: ${body}`,
      noise,
      empty: '',
    };
    // An answer without a body may not have one on the wire.
    const bodiless = status === 204 || status === 205 || status === 304;
    return {
      slug: at === 'home' ? near.slug : at,
      answer: { status, headers: otherHeaders ?? wire.headers, body: bodiless ? '' : bodies[change] },
    };
  });

/** The rules that name proof and speak in these words. */
function rulesBehind(slug: string, { verdict, message, advice }: KeyTestResult): readonly AnswerRule[] {
  const entry = providerEntry(slug);
  return rulesFor(entry).filter(
    (rule) =>
      isProof(rule.verdict) &&
      rule.verdict === verdict &&
      named(rule.message, entry) === message &&
      named(rule.advice, entry) === advice,
  );
}

function namesStatus({ status }: AnswerRule, got: number): boolean {
  return [status].flat().includes(got);
}

function isWholeJson(body: string): boolean {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null;
  } catch {
    return false;
  }
}

/** RFC 6750, 3.1. */
function refusesBearer(headers: Readonly<Record<string, string>>): boolean {
  return headers['www-authenticate']?.includes('error="invalid_token"') === true;
}

describe('an answer that nobody has foreseen', () => {
  it('is proof only by a rule that names proof and its status, in whole JSON or in a header for it', async () => {
    const runs = 2_000;
    let proofs = 0;
    await fc.assert(
      fc.asyncProperty(strangeAnswers, async ({ slug, answer }) => {
        const result = await testAnswered(slug, answer);
        if (!isProof(result.verdict)) return;
        proofs += 1;
        expect(rulesBehind(slug, result).some((rule) => namesStatus(rule, answer.status))).toBe(true);
        expect(isWholeJson(answer.body) || refusesBearer(answer.headers)).toBe(true);
      }),
      { numRuns: runs },
    );
    expect(proofs).toBeGreaterThan(0);
    tellFigure(promise, `${runs} strange answers over HTTP, no proof that no rule names (${proofs} had one)`);
  });
});
