/** `keyward tokens`: makes, limits, lists and revokes the tokens of callers and administrators. */
import { shownName } from '../alerts/refuse-secrets.ts';
import type { TokenLimits } from '../auth/authenticate.ts';
import type { AdminRole } from '../auth/token.ts';
import { changeLimits, showLimits, type LimitChanges } from '../auth/token-limits.ts';
import {
  createToken,
  listTokens,
  longestTokenName,
  revokeToken,
  stateOf,
  type StoredToken,
} from '../auth/token-store.ts';
import { KeywardError, UsageError } from '../foundation/errors.ts';
import { plainLine } from '../foundation/visible-text.ts';
import { refuseUnknownProviders } from '../keys/limit-token.ts';
import { holdsNoSecret } from '../keys/provider-rules.ts';
import { ago, print, printJson, remark, table } from './terminal.ts';
import type { Installation } from '../installation.ts';
import { readExpiry, type ExpiryOptions } from './token-expiry.ts';
import { limitsFrom, type LimitOptions } from './token-limit-options.ts';
import {
  commandOccasion,
  refuseSecretsIn,
  reasonedOccasion,
  describeApplied,
  withInstallation,
} from './with-installation.ts';

const heading = ['ID', 'KIND', 'ROLE', 'NAME', 'TOKEN', 'AGE', 'LAST USED', 'EXPIRES', 'STATE', 'LIMITS'];

export async function printTokens(options: { json?: true }): Promise<void> {
  await withInstallation(async ({ database, config, clock }) => {
    const tokens = await listTokens(database.kysely);
    if (options.json) {
      printJson({ tokens: tokens.map(forPrograms) });
      return;
    }
    const rows = tokens.map((token) => [
      String(token.id),
      token.kind,
      token.role ?? '-',
      token.name,
      `${token.prefix}…`,
      ago(token.createdAt),
      token.lastUsedAt === null ? '-' : `${ago(token.lastUsedAt)} ago`,
      token.expiresAt === null ? '-' : inUtc(token.expiresAt),
      stateIn(token, clock.now()),
      limitsInWords(token.limits),
    ]);
    for (const line of table([heading, ...rows])) print(line);
    if (rows.length === 0) remark('No tokens are stored. Make one with: keyward tokens create <name>');
    if (config.gatewayToken !== undefined)
      remark('KEYWARD_GATEWAY_TOKEN in this environment is not listed: it is not stored.');
  });
}

function forPrograms({ createdAt, expiresAt, lastUsedAt, revokedAt, limits, ...token }: StoredToken): object {
  return {
    ...token,
    created_at: createdAt,
    expires_at: expiresAt,
    last_used_at: lastUsedAt,
    revoked_at: revokedAt,
    ...showLimits(limits),
  };
}

function limitsInWords(limits: TokenLimits): string {
  const { owner, allowedProviders, allowedModels, requestsPerMinute, tokensPerMinute } = limits;
  const { dailyBudgetUsd, monthlyBudgetUsd } = limits;
  const words = [
    owner && `of ${owner}`,
    allowedProviders?.join(' '),
    allowedModels?.join(' '),
    requestsPerMinute && `${requestsPerMinute} requests/min`,
    tokensPerMinute && `${tokensPerMinute} tokens/min`,
    dailyBudgetUsd !== null && `$${dailyBudgetUsd}/day`,
    monthlyBudgetUsd !== null && `$${monthlyBudgetUsd}/month`,
  ].filter((word) => typeof word === 'string');
  return words.length === 0 ? '-' : words.join(', ');
}

function stateIn(token: StoredToken, now: Date): string {
  const state = stateOf(token, now);
  return state === 'revoked' ? `revoked ${ago(token.revokedAt)} ago` : state;
}

/** `2027-01-31 12:00 UTC` */
function inUtc(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

export interface MakeTokenOptions extends ExpiryOptions, LimitOptions {
  readonly admin?: true;
  readonly role?: AdminRole;
  readonly reason?: string;
  readonly json?: true;
}

export async function makeToken(name: string, options: MakeTokenOptions): Promise<void> {
  const kind = options.admin ? 'admin' : 'gateway';
  const { role } = options;
  if (kind === 'gateway' && role !== undefined)
    throw new UsageError('Only admin tokens have a role: add --admin, or leave --role out.', { exitCode: 2 });
  if (name.trim() === '' || name.length > longestTokenName || !plainLine.test(name))
    throw new UsageError(
      `A name has 1 to ${longestTokenName} characters on one line, and none that turn the direction of text.`,
      { exitCode: 2 },
    );
  const limits = limitsFrom(options);
  if (kind === 'admin' && limits !== null)
    throw new UsageError('Only gateway tokens have limits: leave them out, or leave --admin out.', {
      exitCode: 2,
    });
  await withInstallation(async (installation) => {
    const { audit, clock } = installation;
    await refuseUnknown(installation, limits);
    await refuseSecretsIn(installation, shownName(name));
    const expiresAt = readExpiry(options, clock.now());
    const made = await createToken(audit, await reasonedOccasion(installation, options.reason), {
      kind,
      name,
      ...(role !== undefined && { role }),
      expiresAt,
      ...(limits !== null && { limits }),
    });
    const applied = await describeApplied(installation, made.revision);
    if (options.json) {
      printJson({
        id: made.id,
        kind,
        name,
        role: made.role,
        expires_at: expiresAt,
        ...showLimits(made.limits),
        token: made.token.reveal(),
        applied,
      });
      return;
    }
    print(made.token.reveal());
    const facts = [
      `number ${made.id}`,
      `"${name}"`,
      ...(made.role === null ? [] : [`role ${made.role}`]),
      ...(expiresAt === null ? [] : [`good until ${inUtc(expiresAt)}`]),
      ...(limits === null ? [] : [limitsInWords(made.limits)]),
    ];
    remark(`This ${kind} token (${facts.join(', ')}) is shown this once. ${applied}`);
  });
}

/** As in allowed_providers, a slug that nobody knows would shut everything out without a word. */
async function refuseUnknown({ database }: Installation, limits: LimitChanges | null): Promise<void> {
  if (limits === null) return;
  await refuseUnknownProviders(database.kysely, limits).catch((error: unknown) => {
    throw error instanceof KeywardError ? new UsageError(error.message, { exitCode: 2 }) : error;
  });
}

export interface LimitTokenOptions extends LimitOptions {
  readonly reason?: string;
  readonly json?: true;
}

/** @param token its number or its name */
export async function limitToken(token: string, options: LimitTokenOptions): Promise<void> {
  refuseTokenItself(token);
  const changes = limitsFrom(options);
  if (changes === null)
    throw new UsageError('Say what is to be limited: keyward tokens limit --help', { exitCode: 2 });
  await withInstallation(async (installation) => {
    const { audit } = installation;
    await refuseUnknown(installation, changes);
    const id = await idOf(installation, token);
    const occasion = await reasonedOccasion(installation, options.reason);
    const { limits, revision } = await changeLimits(audit, occasion, id, changes).catch((error: unknown) => {
      if (!(error instanceof KeywardError) || error.status >= 500) throw error;
      const isMissing = error.code === 'token_not_found';
      throw new UsageError(isMissing ? `There is no token number ${id}.` : error.message, { exitCode: 2 });
    });
    const applied = await describeApplied(installation, revision);
    if (options.json) printJson({ id, ...showLimits(limits), applied });
    else print(`Token number ${id}: ${limitsInWords(limits).replace(/^-$/, 'no limits')}. ${applied}`);
  });
}

function refuseTokenItself(token: string): void {
  if (holdsNoSecret(token)) return;
  throw new UsageError('That looks like a token itself. Say its number or its name: keyward tokens list', {
    exitCode: 2,
  });
}

async function idOf(installation: Installation, token: string): Promise<number> {
  return /^\d{1,9}$/.test(token) ? Number(token) : numberOf(installation, token);
}

/** @param token its number or its name */
export async function endToken(token: string, options: { json?: true }): Promise<void> {
  refuseTokenItself(token);
  await withInstallation(async (installation) => {
    const id = await idOf(installation, token);
    const { found, revision } = await revokeToken(installation.audit, commandOccasion(), id);
    if (!found) throw new UsageError(`There is no token number ${id}.`, { exitCode: 2 });
    const applied = await describeApplied(installation, revision);
    if (options.json) printJson({ id, revoked: true, applied });
    else print(`Revoked token number ${id}. ${applied}`);
  });
}

async function numberOf({ database, clock }: Installation, name: string): Promise<number> {
  const named = (await listTokens(database.kysely)).filter((token) => token.name === name);
  const good = named.filter((token) => stateOf(token, clock.now()) === 'good');
  const candidates = good.length > 0 ? good : named;
  const [only, other] = candidates;
  if (only === undefined)
    throw new UsageError(`There is no token "${name}". See them with: keyward tokens list`, { exitCode: 2 });
  if (other === undefined) return only.id;
  const numbers = candidates.map(({ id }) => id).join(', ');
  throw new UsageError(`Several tokens are named "${name}": ${numbers}. Say which by its number.`, {
    exitCode: 2,
  });
}
