/**
 * A process that opens the database of its environment and runs what it is told:
 * `database-shell-main.ts server|command`. Each line of its input is {"sql", "values"?, "dates"?}; each
 * line of its output is {"progress"}, {"opened"}, {"rows"} or {"error"}. Closes when its input ends.
 */
import { createInterface } from 'node:readline';
import { CompiledQuery } from 'kysely';
import { openDatabase } from '../../src/database/open-database.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { messageOf } from '../../src/foundation/errors.ts';

export interface ShellLine {
  readonly sql: string;
  readonly values?: readonly unknown[];
  /** ISO texts, bound as Date after the values. */
  readonly dates?: readonly string[];
}

const say = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);

try {
  const database = await openDatabase(loadConfig().database, {
    as: process.argv[2] === 'server' ? 'server' : 'command',
    onProgress: (progress) => say({ progress }),
    onIdleError: () => undefined,
  });
  say({ opened: process.pid });
  for await (const line of createInterface({ input: process.stdin })) {
    const { sql, values = [], dates = [] } = JSON.parse(line) as ShellLine;
    const parameters = [...values, ...dates.map((date) => new Date(date))];
    await database.kysely.executeQuery(CompiledQuery.raw(sql, parameters)).then(
      ({ rows }) => say({ rows }),
      (error: unknown) => say({ error: messageOf(error) }),
    );
  }
  await database.close();
} catch (error) {
  say({ error: messageOf(error) });
  process.exitCode = 1;
}
