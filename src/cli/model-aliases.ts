/** `keyward models alias`: lists, sets and removes the names that stand for models. */
import { KeywardError, UsageError } from '../foundation/errors.ts';
import { aliasName, aliasTargets, deleteAlias, putAlias, readAliases } from '../keys/model-alias-store.ts';
import { ago, print, printJson, remark, table } from './terminal.ts';
import { commandOccasion, describeApplied, withInstallation } from './with-installation.ts';

export interface AliasOptions {
  readonly reason?: string;
  readonly json?: true;
}

export async function printAliases({ json }: AliasOptions): Promise<void> {
  await withInstallation(async ({ database }) => {
    const aliases = await readAliases(database.kysely);
    if (json) {
      printJson({
        aliases: aliases.map(({ changedBy: changed_by, changedAt: changed_at, ...alias }) => ({
          ...alias,
          changed_by,
          changed_at,
        })),
      });
      return;
    }
    const rows = aliases.map(({ alias, targets, changedBy, changedAt }) => [
      alias,
      targets.join(', '),
      changedBy,
      ago(changedAt),
    ]);
    for (const line of table([['ALIAS', 'MODELS', 'BY', 'AGE'], ...rows])) print(line);
    if (rows.length === 0)
      remark('No name stands for a model. Set one with: keyward models alias set <alias> <models…>');
  });
}

export async function setAlias(alias: string, targets: string[], options: AliasOptions): Promise<void> {
  const fault = aliasName.safeParse(alias).error ?? aliasTargets.safeParse(targets).error;
  if (fault !== undefined)
    throw new UsageError(`Nothing was changed: it ${fault.issues[0]?.message}.`, { exitCode: 2 });
  await withInstallation(async (installation) => {
    const occasion = commandOccasion(options.reason);
    const { revision } = await putAlias(installation.audit, occasion, { alias, targets }).catch(asMisuse);
    const applied = await describeApplied(installation, revision);
    if (options.json) printJson({ alias, targets, applied });
    else print(`${alias} stands for ${targets.join(', then ')}. ${applied}`);
  });
}

export async function removeAlias(alias: string, options: AliasOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const occasion = commandOccasion(options.reason);
    const { revision } = await deleteAlias(installation.audit, occasion, alias).catch(asMisuse);
    const applied = await describeApplied(installation, revision);
    if (options.json) printJson({ alias, removed: true, applied });
    else print(`${alias} stands for nothing any more. ${applied}`);
  });
}

function asMisuse(error: unknown): never {
  if (error instanceof KeywardError && error.status < 500)
    throw new UsageError(error.message, { exitCode: 2 });
  throw error;
}
