/** `keyward migrate` as a script calls it: a process of its own, whose two outputs and exit code are all that counts. */
import { type Ended, runKeyward } from './keyward-process.ts';

export interface MigrateAnswer extends Ended {
  /** The one JSON object on standard output. */
  readonly report: Readonly<Record<string, unknown>>;
}

/** With --json; throws when standard output is not exactly one JSON object. */
export async function migrateForPrograms(
  environment: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<MigrateAnswer> {
  const ended = await runKeyward(['migrate', '--json', ...args], environment);
  const report: unknown = JSON.parse(ended.stdout);
  if (typeof report !== 'object' || report === null || Array.isArray(report))
    throw new Error(`not an object: ${ended.stdout}`);
  return { ...ended, report: report as Record<string, unknown> };
}

/** As people call it. */
export async function migrateForPeople(
  environment: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<Ended> {
  return runKeyward(['migrate', ...args], environment);
}
