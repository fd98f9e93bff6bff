/**
 * The public corpus of provider answers in tests/corpus, read and checked: its README says what each field
 * means. A file that breaks the form fails every test that asks for the corpus.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import type { KeyFactsJson } from '../../src/providers/key-facts.ts';
import type { ProviderAnswer } from '../../src/providers/read-answer.ts';
import { knownProviders } from '../../src/providers/registry.ts';
import { verdicts } from '../../src/providers/verdict.ts';

const faults = [
  'timeout',
  'stall',
  'reset',
  'close',
  'cut',
  'short',
  'refused',
  'no-tls',
  'certificate',
  'dns',
  'not-http',
] as const;

export type Fault = (typeof faults)[number];

const expectation = {
  answer: z.string().min(1),
  verdict: z.enum(verdicts),
  code: z.string().optional(),
  says: z.string().min(1).optional(),
};

const answerCase = z.strictObject({
  ...expectation,
  status: z.int().min(200).max(599),
  headers: z.record(z.string().regex(/^[a-z-]+$/), z.string()).optional(),
  body: z.json(),
  models: z.int().optional(),
  tells: z.record(z.string(), z.json()).optional(),
  guard: z.literal(true).optional(),
});

const faultCase = z.strictObject({ ...expectation, fault: z.enum(faults) });

export type AnswerCase = z.infer<typeof answerCase>;
export type FaultCase = z.infer<typeof faultCase>;

/** A case at the provider that it is tried at. */
export interface Tried<Case> {
  readonly slug: string;
  /** Whether the case stands in any-provider.json, and so must not expect words of one provider alone. */
  readonly shared: boolean;
  readonly expected: Case;
  /** Names the case in a report. */
  readonly title: string;
}

const sharedFile = 'any-provider';

/** The slug of an endpoint that Keyward has no entry for. */
const otherEndpoint = 'other-endpoint';

export const corpusSlugs: readonly string[] = [...knownProviders.map(({ slug }) => slug), otherEndpoint];

const directory = new URL('../corpus/', import.meta.url);

const cases: ReadonlyMap<string, readonly (AnswerCase | FaultCase)[]> = new Map(
  readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => [name.slice(0, -'.json'.length), readCases(name)]),
);

/** The files of the corpus, by their names without `.json`. */
export const corpusFiles: readonly string[] = [...cases.keys()];

/** How many cases stand in the files; those for any provider count once. */
export const corpusSize = [...cases.values()].flat().length;

export const answerCases: readonly Tried<AnswerCase>[] = triedEverywhere(
  (one): one is AnswerCase => 'status' in one,
);

export const faultCases: readonly Tried<FaultCase>[] = triedEverywhere(
  (one): one is FaultCase => 'fault' in one,
);

/** The answer as a server sends it and a client reads it. */
export function wireOf({ status, headers = {}, body }: AnswerCase): Required<ProviderAnswer> & {
  readonly headers: Readonly<Record<string, string>>;
} {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers: { 'content-type': usualType(body), ...headers }, body: text };
}

/** What the provider tells for free, with null for all that the case does not name. */
export function toldBy({
  models,
  tells = {},
}: AnswerCase): KeyFactsJson & { models_available: number | null } {
  return {
    models_available: models ?? null,
    limit_usd: null,
    limit_reset: null,
    remaining_usd: null,
    usage_usd: null,
    expires_at: null,
    key_name: null,
    organisation: null,
    permissions: null,
    ...tells,
  };
}

function readCases(name: string): readonly (AnswerCase | FaultCase)[] {
  const read = z
    .array(z.union([answerCase, faultCase]))
    .safeParse(JSON.parse(readFileSync(new URL(name, directory), 'utf8')));
  if (read.success) return read.data;
  throw new Error(`tests/corpus/${name} breaks the form of the corpus:\n${z.prettifyError(read.error)}`);
}

function triedEverywhere<Case extends AnswerCase | FaultCase>(
  isWanted: (one: AnswerCase | FaultCase) => one is Case,
): readonly Tried<Case>[] {
  return corpusSlugs.flatMap((slug) =>
    [slug, sharedFile].flatMap((file) =>
      (cases.get(file) ?? []).filter(isWanted).map((expected) => ({
        slug,
        shared: file === sharedFile,
        expected,
        title: `${slug}: ${expected.answer}`,
      })),
    ),
  );
}

/** The content-type where the case names none. */
function usualType(body: unknown): string {
  if (typeof body !== 'string' || /^\s*[[{]/.test(body)) return 'application/json';
  return body.startsWith('<') ? 'text/html' : 'text/plain';
}
