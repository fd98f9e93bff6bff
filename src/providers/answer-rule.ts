/**
 * The vocabulary in which a provider entry says what its answers mean. Rules are data and stand in
 * order: the first whose conditions all hold decides.
 */
import type { Verdict } from './verdict.ts';

/** A condition on the JSON body. `path` is dotted; the empty path is the body itself. */
export type FieldCondition =
  | {
      readonly path: string;
      readonly is: 'array' | 'empty array' | 'object' | 'object or array' | 'string' | 'number' | boolean;
    }
  | { readonly path: string; readonly atMost: number };

export interface AnswerRule {
  /** HTTP statuses, or a class of them; absent means any. */
  readonly status?: number | readonly number[] | '3xx' | '5xx';
  /**
   * Who speaks: an `api` (JSON, text or nothing), or a web `page`, which mostly comes from a proxy or a
   * firewall on the way and proves nothing. Absent means `api`.
   */
  readonly from?: 'api' | 'page' | 'anyone';
  /** Any of these stands in one of the places where providers put a code: see read-answer.ts. */
  readonly code?: readonly string[];
  /** Must hit the text of the body, whole or not; only its beginning is searched. Alone it proves nothing. */
  readonly bodyPattern?: RegExp;
  /** All must hold; a body that is no JSON fails them. */
  readonly fields?: readonly FieldCondition[];
  /** By name in lower case: each must be there and be hit. */
  readonly headers?: Readonly<Record<string, RegExp>>;

  readonly verdict: Verdict;
  /** What is known now, for the administrator; `{provider}` stands for the display name. */
  readonly message: string;
  /** What to do next. */
  readonly advice: string;
  /** Reported as the code where the provider's body has none of its own. */
  readonly name?: string;
  /** A key that is answered so must not be stored for chats at all, as one of `forbiddenKeys` must not. */
  readonly unfit?: true;
}
