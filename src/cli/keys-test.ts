/** `keyward keys test`: asks the provider whether the key that serves is good, and records what a stored one said. */
import { KeywardError, UsageError } from '../foundation/errors.ts';
import { listLiveInstances } from '../keys/instances.ts';
import { serve } from '../keys/load-snapshot.ts';
import type { KeyTestResult } from '../keys/test-key.ts';
import { viewUpstream } from '../keys/upstream-address.ts';
import { testServingKey } from '../keys/test-provider-key.ts';
import { keyFactsJson } from '../providers/key-facts.ts';
import { print, printJson, remark } from './terminal.ts';
import { upstreamElsewhere } from './upstream-elsewhere.ts';
import {
  changeParts,
  reasonedOccasion,
  findProvider,
  serveParts,
  withInstallation,
} from './with-installation.ts';

/** @returns the exit code: 0 valid, 1 anything else */
export async function testProviderKey(
  slug: string,
  options: { reason?: string; json?: true },
): Promise<number> {
  return withInstallation(async (installation) => {
    const row = await findProvider(installation, slug);
    const { result, source, fingerprint } = await testServingKey(
      { ...installation, changes: changeParts(installation) },
      await reasonedOccasion(installation, options.reason),
      row,
    ).catch((error: unknown) => {
      throw isMissing(error) ? new UsageError(`${error.message} ${whereElse}`, { cause: error }) : error;
    });
    const isValid = result.verdict === 'valid';
    if (options.json) {
      printJson({
        provider: slug,
        is_valid: isValid,
        verdict: result.verdict,
        message: result.message,
        advice: result.advice,
        code: result.code,
        source,
        fingerprint,
        http_status: result.httpStatus,
        models_available: result.modelsAvailable,
        ...keyFactsJson(result.facts),
        response_time_ms: result.responseTimeMs,
        tested_at: result.testedAt.toISOString(),
      });
    } else {
      print(`${slug}: ${result.verdict} (${result.responseTimeMs} ms, key ${fingerprint} from ${source})`);
      print(result.message);
      for (const line of toldLines(result)) print(line);
      if (!isValid) remark(result.advice);
      const { upstream } = serve(row, serveParts(installation));
      const live = await listLiveInstances(installation.database.kysely);
      for (const told of upstreamElsewhere(live, slug, viewUpstream(upstream).base_url)) remark(told);
    }
    return isValid ? 0 : 1;
  });
}

const whereElse =
  'A key in the environment of the server is tested with the same variable set in this shell.';

function isMissing(error: unknown): error is KeywardError {
  return error instanceof KeywardError && error.code === 'key_not_found';
}

/** What the provider told for free, a line each. */
function toldLines({ modelsAvailable, facts }: KeyTestResult): string[] {
  const { limitUsd, limitReset, remainingUsd, usageUsd, expiresAt, name, organisation, permissions } = facts;
  const told: readonly (readonly [label: string, value: string | null])[] = [
    ['models', modelsAvailable === null ? null : String(modelsAvailable)],
    ['limit', limitUsd === null ? null : dollars(limitUsd) + (limitReset === null ? '' : `, ${limitReset}`)],
    ['left', remainingUsd === null ? null : dollars(remainingUsd)],
    ['spent', usageUsd === null ? null : dollars(usageUsd)],
    ['expires', expiresAt?.toISOString() ?? null],
    ['name', name],
    ['owner', organisation],
    ['allows', permissions === null ? null : permissions.join(', ') || 'nothing'],
  ];
  return told.flatMap(([label, value]) => (value === null ? [] : [`  ${label.padEnd(8)} ${value}`]));
}

/** To the cent where there are cents, with all that a provider tells below that. */
function dollars(amount: number): string {
  const text = String(amount);
  return `${/^-?\d+\.\d$/.test(text) ? `${text}0` : text} USD`;
}
