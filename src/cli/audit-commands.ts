/** The commands of the audit trail, and how they are called. */
import { Option, type Command } from 'commander';
import { outcomes } from '../audit/audit-event.ts';
import type { ExportFormat } from '../audit/export-events.ts';
import type { AuditFilters } from '../audit/read-events.ts';
import type { RetainOptions } from './audit-retain.ts';
import { json, pointInTime, reason, wholeNumber, type Settle } from './command-options.ts';

const exportFormats = ['jsonl', 'csv'] as const satisfies readonly ExportFormat[];

const verifyExitCodes = `
Exit code:
  0  the trail is whole
  1  it could not be verified
  2  wrong use
  7  it is broken: the first bad event is named`;

export function addAudit(program: Command, settle: Settle): void {
  const audit = program.command('audit').description('the record of every change: read, prove, export');
  filtered(audit.command('list').description('the newest events'))
    .option('--limit <number>', 'how many at most', wholeNumber, 50)
    .addOption(json())
    .action(async (options: AuditFilters & { limit: number; json?: true }) => {
      const { listEvents } = await import('./audit-list.ts');
      await listEvents(options);
    });
  audit
    .command('verify')
    .description('prove that no event was edited, deleted, inserted or moved')
    .option(
      '--anchors <file>',
      'heads that were noted elsewhere, or lines of a log that hold them; - reads standard input',
    )
    .addOption(json())
    .addHelpText('after', verifyExitCodes)
    .action(async (options: { anchors?: string; json?: true }) => {
      const { verifyTrail } = await import('./audit-verify.ts');
      settle(await verifyTrail(options));
    });
  filtered(audit.command('export').description('all events, oldest first, on standard output or to a file'))
    .addOption(new Option('--format <format>', 'jsonl or csv').choices(exportFormats).default('jsonl'))
    .option('--output <file>', 'write to this new file, of mode 0600')
    .action(async (options: AuditFilters & { format: ExportFormat; output?: string }) => {
      const { exportEvents } = await import('./audit-export.ts');
      await exportEvents(options);
    });
  audit
    .command('retain')
    .description('remove the oldest events for good; what stays can still be proven')
    .addOption(
      new Option('--before <time>', 'remove what is older than this date or time, in UTC')
        .argParser(pointInTime)
        .conflicts('keepDays'),
    )
    .addOption(
      new Option('--keep-days <number>', 'remove what is older than so many days').argParser(wholeNumber),
    )
    .option('--dry-run', 'only say what would go')
    .option('--yes', 'do not ask')
    .addOption(reason())
    .addOption(json())
    .addHelpText('after', retainExitCodes)
    .action(async (options: RetainOptions) => {
      const { retain } = await import('./audit-retain.ts');
      settle(await retain(options));
    });
}

const retainExitCodes = `
Exit code:
  0  removed, or there was nothing to remove
  1  failed or not confirmed, nothing was removed
  2  wrong use
  7  the trail is broken, nothing was removed`;

/** The options that choose events. */
function filtered(command: Command): Command {
  return command
    .option('--action <action>', 'provider.key_set, or its first word for all of that kind')
    .option('--actor <actor>', 'a part of the name, or a kind: admin_token, command, database …')
    .option('--target <target>', 'provider:openrouter, or what stands after the colon')
    .addOption(new Option('--outcome <outcome>', outcomes.join(', ')).choices(outcomes))
    .addOption(
      new Option('--since <time>', 'from this time on: 2026-01-31, 2026-01-31T12:00Z, 36h, 90d').argParser(
        pointInTime,
      ),
    )
    .addOption(new Option('--until <time>', 'before this time').argParser(pointInTime));
}
