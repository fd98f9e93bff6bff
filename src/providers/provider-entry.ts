/**
 * The type of a provider entry: everything in which one provider differs from another, as data. The
 * type knows no provider, and no code outside the entries names one.
 */
import type { AnswerRule } from './answer-rule.ts';
import type { KeyCutOff } from './key-cut-off.ts';
import type { KeyFacts } from './key-facts.ts';
import type { KeyManagement } from './key-management.ts';

/** The request header that carries the key, as `{prefix}{key}`. */
export interface KeyHeader {
  /** Lower case. */
  readonly name: string;
  readonly prefix: string;
}

export const bearer: KeyHeader = { name: 'authorization', prefix: 'Bearer ' };

/**
 * How a key looks: a fixed beginning and a regular expression for the rest. Shapes change without
 * notice, so they warn and redact but never reject.
 */
export interface KeyShape {
  /** Literal; empty where keys have no telling beginning. */
  readonly prefix: string;
  /** Source of a regular expression for what follows the prefix, without anchors. */
  readonly rest: string;
}

/** Keys that must not be stored as a provider key at all, whatever else they look like. */
interface ForbiddenKey {
  readonly prefix: string;
  /** Why, and what to take instead. */
  readonly message: string;
}

/** The cheapest request that proves that a key lives; it spends no tokens. */
interface KeyTest {
  readonly method: 'GET' | 'POST';
  /** With leading slash; may hold a query. */
  readonly path: string;
  /**
   * `base`: the path is appended to the base URL. `root`: the entry's own base path is taken off the end
   * of the base URL first, where it stands there. So a base URL with any prefix works.
   */
  readonly under: 'base' | 'root';
  readonly keyHeader: KeyHeader;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Where the good answer lists the models that the key may use. */
interface ModelList {
  /** Dotted paths, the empty one being the body itself; the first that leads to an array counts. */
  readonly at: readonly string[];
  /** Path of the flag that says that the list goes on elsewhere, so that its length says nothing. */
  readonly moreAt?: string;
}

/**
 * Where a value stands in the JSON body: a dotted path, or one into the first element of the array at
 * `list` whose field `where` holds the text `is`.
 */
export type FactPath =
  | string
  | { readonly list: string; readonly where: string; readonly is: string; readonly path: string };

/** Which API a caller speaks: the one that most providers share, Anthropic's Messages, or Google's Gemini. */
export type Wire = 'compatible' | 'messages' | 'gemini';

/** An API of the provider beside the OpenAI-compatible one. */
export interface NativeApi {
  readonly wire: Exclude<Wire, 'compatible'>;
  /** As for the test call: after the base URL, or after what is left of it without the entry's own base path. */
  readonly under: 'base' | 'root';
  /** With leading slash, or empty. */
  readonly path: string;
  readonly keyHeader: KeyHeader;
  /** Sent where the caller did not say. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ProviderEntry {
  readonly slug: string;
  readonly displayName: string;
  /** Its name in OpenTelemetry, where that is not the slug: https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/ */
  readonly semanticName?: string;
  /** The OpenAI-compatible base URL without trailing slash; undefined where the provider is not known here. */
  readonly baseUrl: string | undefined;
  /** A small model, as the provider calls it, for a first request; a suggestion, which may grow old. */
  readonly exampleModel?: string;
  /** Variables that the provider's own tools read; for messages only, the key is never read from them. */
  readonly alternativeEnvironmentNames: readonly string[];
  readonly keyShapes: readonly KeyShape[];
  readonly forbiddenKeys: readonly ForbiddenKey[];
  /** Kinds of keys that end on a known date, whatever their own end is. */
  readonly cutOffs?: readonly KeyCutOff[];
  /** How the key travels on the OpenAI-compatible path. */
  readonly keyHeader: KeyHeader;
  /** Absent where it has the OpenAI-compatible API alone. */
  readonly native?: NativeApi;
  readonly test: KeyTest;
  /** Absent where the test call does not list them all. */
  readonly models?: ModelList;
  /** What else a 200 to the test call tells of the key; amounts are in USD. */
  readonly facts?: Readonly<Partial<Record<keyof KeyFacts, FactPath>>>;
  /** How keys are made and revoked by API; absent where a person does both. */
  readonly management?: KeyManagement;
  /** Tried in order, before the shared rules. */
  readonly answers: readonly AnswerRule[];
}

export interface KnownProviderEntry extends ProviderEntry {
  readonly baseUrl: string;
  readonly exampleModel: string;
}
