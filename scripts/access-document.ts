/** docs/access.md: who gets past admission at which route. A test asks a running server whether each cell is true. */
import type { DeclaredRoute } from '../src/admin-api/admission.ts';

/** Who asks; the columns of the table, in their order. */
export const askers = [
  'no token',
  'wrong token',
  'expired token',
  'gateway token',
  'viewer token',
  'admin token',
  'viewer session',
  'admin session without CSRF token',
] as const;

export type Asker = (typeof askers)[number];

/** `yes`: gets past admission, whatever the route then answers; else the status of the refusal. */
export type Outcome = 'yes' | '401' | '403' | '429';

export interface AccessRow extends DeclaredRoute {
  readonly outcomes: Readonly<Record<Asker, Outcome>>;
}

/** What a route must answer, by whom it is for and whether it changes something. */
export function expectedRow(route: DeclaredRoute): AccessRow {
  const isPublic = route.access === 'public';
  const nobody = isPublic ? 'yes' : '401';
  const viewer = route.access === 'admin' ? '403' : 'yes';
  return {
    ...route,
    outcomes: {
      'no token': nobody,
      'wrong token': nobody,
      'expired token': nobody,
      'gateway token': nobody,
      'viewer token': viewer,
      'admin token': 'yes',
      'viewer session': viewer,
      'admin session without CSRF token': isPublic || route.method === 'GET' ? 'yes' : '403',
    },
  };
}

/** Path parameters in braces, as the API document has them. */
export function shownRoute({ method, url }: DeclaredRoute): string {
  return `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`;
}

export function accessDocument(notice: string, rows: readonly AccessRow[]): string {
  const sorted = rows.toSorted((a, b) => a.url.localeCompare(b.url) || a.method.localeCompare(b.method));
  return [
    notice,
    '# Who may use which address',
    '',
    'Every address of the admin side, as the server registers it, and what it answers to whom. `yes`: the request gets past admission; what it then does is said in the API document. 401 and 403 are refusals, and each is an event of the audit trail. A viewer session sends its CSRF token.',
    '',
    'One that does not say whom it is for is for administrators. The addresses under `/v1` and `/api/v1/llm` are the gateway: they take gateway tokens alone.',
    '',
    'Who fails ten times from one address is slowed: 429, for 30 s at first and longer each time. While an address is slowed, a text that somebody may have thought of is not looked at, right or wrong; otherwise the answer would tell guessers when they are right. A token that cannot be guessed is looked at and gets in: one that Keyward made, or a `KEYWARD_ADMIN_TOKEN` of at least 32 hex digits, as `openssl rand -hex 32` gives it. Which of the two a text is, is told by the text alone and not by what is configured. Each instance counts for itself: a shared count would let anybody without a token write to the database, and would stop with it; behind N instances a guesser has N times ten tries, which is nothing against a random token.',
    '',
    `| Address | For | ${askers.join(' | ')} |`,
    `| --- | --- |${' --- |'.repeat(askers.length)}`,
    ...sorted.map(
      (row) =>
        `| \`${shownRoute(row)}\` | ${row.access} | ${askers.map((asker) => row.outcomes[asker]).join(' | ')} |`,
    ),
    '',
  ].join('\n');
}
