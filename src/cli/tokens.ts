/** `keyward tokens`: makes, lists and revokes the tokens of callers and administrators. */
import type { AdminRole } from '../auth/token.ts';
import {
  createToken,
  listTokens,
  longestTokenName,
  revokeToken,
  stateOf,
  type StoredToken,
} from '../auth/token-store.ts';
import { UsageError } from '../foundation/errors.ts';
import { plainLine } from '../foundation/visible-text.ts';
import { holdsNoSecret } from '../keys/provider-rules.ts';
import { ago, print, printJson, remark, table } from './terminal.ts';
import type { Installation } from '../installation.ts';
import { readExpiry, type ExpiryOptions } from './token-expiry.ts';
import { commandOccasion, reasonedOccasion, describeApplied, withInstallation } from './with-installation.ts';

const heading = ['ID', 'KIND', 'ROLE', 'NAME', 'TOKEN', 'AGE', 'LAST USED', 'EXPIRES', 'STATE'];

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
    ]);
    for (const line of table([heading, ...rows])) print(line);
    if (rows.length === 0) remark('No tokens are stored. Make one with: keyward tokens create <name>');
    if (config.gatewayToken !== undefined)
      remark('KEYWARD_GATEWAY_TOKEN in this environment is not listed: it is not stored.');
  });
}

function forPrograms({ createdAt, expiresAt, lastUsedAt, revokedAt, ...token }: StoredToken): object {
  return {
    ...token,
    created_at: createdAt,
    expires_at: expiresAt,
    last_used_at: lastUsedAt,
    revoked_at: revokedAt,
  };
}

function stateIn(token: StoredToken, now: Date): string {
  const state = stateOf(token, now);
  return state === 'revoked' ? `revoked ${ago(token.revokedAt)} ago` : state;
}

/** `2027-01-31 12:00 UTC` */
function inUtc(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

export interface MakeTokenOptions extends ExpiryOptions {
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
  if (!holdsNoSecret(name))
    throw new UsageError('A name is shown to everybody who looks, and this one looks like a key.', {
      exitCode: 2,
    });
  await withInstallation(async (installation) => {
    const { audit, clock } = installation;
    const expiresAt = readExpiry(options, clock.now());
    const made = await createToken(audit, await reasonedOccasion(installation, options.reason), {
      kind,
      name,
      ...(role !== undefined && { role }),
      expiresAt,
    });
    const applied = await describeApplied(installation, made.revision);
    if (options.json) {
      printJson({
        id: made.id,
        kind,
        name,
        role: made.role,
        expires_at: expiresAt,
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
    ];
    remark(`This ${kind} token (${facts.join(', ')}) is shown this once. ${applied}`);
  });
}

/** @param token its number or its name */
export async function endToken(token: string, options: { json?: true }): Promise<void> {
  if (!holdsNoSecret(token))
    throw new UsageError('That looks like a token itself. Say its number or its name: keyward tokens list', {
      exitCode: 2,
    });
  await withInstallation(async (installation) => {
    const id = /^\d{1,9}$/.test(token) ? Number(token) : await numberOf(installation, token);
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
