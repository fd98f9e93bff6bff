/** `keyward keys test`: asks the provider whether the key that serves is good, and records what a stored one said. */
import { UsageError } from '../foundation/errors.ts';
import { serve } from '../keys/load-snapshot.ts';
import { recordTest } from '../keys/change-provider.ts';
import { testKey, type KeyTestResult } from '../keys/test-key.ts';
import { keyFactsJson } from '../providers/key-facts.ts';
import { print, printJson, remark } from './terminal.ts';
import { changeParts, commandOccasion, findProvider, withInstallation } from './with-installation.ts';

/** @returns the exit code: 0 valid, 1 anything else */
export async function testProviderKey(slug: string, options: { json?: true }): Promise<number> {
  return withInstallation(async (installation) => {
    const { config, keyRing, fingerprinter } = installation;
    const row = await findProvider(installation, slug);
    const { upstream, entry, resolution } = serve(row, { config, keyRing: keyRing.ring, fingerprinter });
    if ('problem' in upstream) throw new UsageError(`${slug} cannot be asked: ${upstream.problem}.`);
    if (resolution.key === null) {
      throw new UsageError(
        `There is no key of ${slug} to test from here: ${resolution.reason}. A key in the environment of the server is tested with the same variable set in this shell.`,
      );
    }
    const result = await testKey(entry, upstream.baseUrl, resolution.key);
    const { key, source } = resolution;
    const tested = { fingerprint: fingerprinter.of(key), source: source ?? 'environment' } as const;
    const storedToken = source === 'database' ? row.encrypted_api_key : null;
    await recordTest(
      changeParts(installation),
      commandOccasion(),
      slug,
      storedToken === null ? tested : { ...tested, storedToken },
      result,
    );
    const isValid = result.verdict === 'valid';
    if (options.json) {
      printJson({
        provider: slug,
        is_valid: isValid,
        verdict: result.verdict,
        message: result.message,
        advice: result.advice,
        code: result.code,
        source: resolution.source,
        fingerprint: resolution.key.fingerprint,
        http_status: result.httpStatus,
        models_available: result.modelsAvailable,
        ...keyFactsJson(result.facts),
        response_time_ms: result.responseTimeMs,
        tested_at: result.testedAt.toISOString(),
      });
    } else {
      print(
        `${slug}: ${result.verdict} (${result.responseTimeMs} ms, key ${resolution.key.fingerprint} from ${resolution.source})`,
      );
      print(result.message);
      for (const line of toldLines(result)) print(line);
      if (!isValid) remark(result.advice);
    }
    return isValid ? 0 : 1;
  });
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
