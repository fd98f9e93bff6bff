/** `keyward tokens`: makes, lists and revokes the tokens of callers and administrators. */
import { createToken, listTokens, revokeToken } from '../auth/token-store.ts';
import { UsageError } from '../foundation/errors.ts';
import { ago, print, printJson, remark, table } from './terminal.ts';
import { commandOccasion, describeApplied, withInstallation } from './with-installation.ts';

export async function printTokens(options: { json?: true }): Promise<void> {
  await withInstallation(async ({ database, config }) => {
    const tokens = await listTokens(database.kysely);
    if (options.json) {
      printJson({ tokens });
      return;
    }
    const rows = tokens.map((token) => [
      String(token.id),
      token.kind,
      token.name,
      `${token.prefix}…`,
      ago(token.createdAt),
      token.revokedAt === null ? 'good' : `revoked ${ago(token.revokedAt)} ago`,
    ]);
    for (const line of table([['ID', 'KIND', 'NAME', 'TOKEN', 'AGE', 'STATE'], ...rows])) print(line);
    if (rows.length === 0) remark('No tokens are stored. Make one with: keyward tokens create <name>');
    if (config.gatewayToken !== undefined)
      remark('KEYWARD_GATEWAY_TOKEN in this environment is not listed: it is not stored.');
  });
}

export async function makeToken(name: string, options: { admin?: true; json?: true }): Promise<void> {
  const kind = options.admin ? 'admin' : 'gateway';
  await withInstallation(async (installation) => {
    const { id, token, revision } = await createToken(installation.audit, commandOccasion(), { kind, name });
    const applied = await describeApplied(installation, revision);
    if (options.json) {
      printJson({ id, kind, name, token: token.reveal(), applied });
      return;
    }
    print(token.reveal());
    remark(`This ${kind} token (number ${id}, "${name}") is shown this once. ${applied}`);
  });
}

export async function endToken(id: number, options: { json?: true }): Promise<void> {
  await withInstallation(async (installation) => {
    const { found, revision } = await revokeToken(installation.audit, commandOccasion(), id);
    if (!found) throw new UsageError(`There is no token number ${id}.`, { exitCode: 2 });
    const applied = await describeApplied(installation, revision);
    if (options.json) printJson({ id, revoked: true, applied });
    else print(`Revoked token number ${id}. ${applied}`);
  });
}
