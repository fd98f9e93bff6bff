/** What became of one attempt to send a message, in the same words for every channel. */

export type SendOutcome =
  | { readonly state: 'delivered'; readonly remark?: string }
  /** `final`: another attempt would end the same way. */
  | {
      readonly state: 'retry' | 'final';
      /** In words; the sender takes secrets out of it. */
      readonly error: string;
      /** What the receiver asked for. */
      readonly retryAfterSeconds?: number;
    };
