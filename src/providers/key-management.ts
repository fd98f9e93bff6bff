/** How a provider makes, lists and revokes keys by API, as data. */

/** `{name}`, `{id}`, `{key}` and the provider's own parameters are filled in, in the path and in every text of the body. */
export interface ManagedCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With leading slash, after the base URL. */
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

export interface KeyManagement {
  /** Without trailing slash. */
  readonly baseUrl: string;
  /** How the credential travels, as the key header of the entry. */
  readonly keyHeader: { readonly name: string; readonly prefix: string };
  readonly headers?: Readonly<Record<string, string>>;
  /** What the credential is called there and where a person makes it. */
  readonly credential: string;
  /** What is needed beside the credential, by name, with what it is. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Absent where only a person can make a key. */
  readonly mint?: {
    readonly call: ManagedCall;
    /** Paths into the answer: the key itself, and the number by which it is revoked. */
    readonly secretAt: string;
    readonly idAt?: string;
  };
  /** Absent where keys cannot be listed: then what a crash left behind cannot be found. */
  readonly list?: {
    readonly call: ManagedCall;
    /** Path to the array. */
    readonly at: string;
    readonly idAt: string;
    readonly nameAt: string;
    /** Where an entry shows how its key begins and ends, with dots between. */
    readonly hintAt?: string;
    /** An entry whose field holds one of these is dead for good. */
    readonly dead?: { readonly path: string; readonly is: readonly unknown[] };
    /** One whose field holds one of these is refused now, and a person may switch it on again. */
    readonly off?: { readonly path: string; readonly is: readonly unknown[] };
    /** The query that leads to the next page: how many entries were seen, or what the answer holds there. */
    readonly next?:
      | { readonly parameter: string; readonly from: 'count' }
      | { readonly parameter: string; readonly from: string };
  };
  /** Can be undone; called before `revoke` where it is there. */
  readonly disable?: ManagedCall;
  readonly revoke: ManagedCall;
  /** Its answer holds a `false`, wherever, for as long as a new key is not known everywhere at the provider. */
  readonly spread?: ManagedCall;
}
