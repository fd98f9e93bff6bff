/**
 * What recurring work logs of its failures: each once when it begins, and once when it is over. What fails every
 * few seconds must not fill the log.
 */
import type { Logger } from '../foundation/logger.ts';
import type { RecurringWorkParts } from '../foundation/recurring-work.ts';

/**
 * @param what what cannot be done, in words
 * @param describe the line of one failure; `what`, with the error beside it, where absent
 */
export function toldOnce(
  log: Logger,
  what: string,
  describe: (error: Error) => readonly [fields: object, text: string] = (error) => [{ err: error }, what],
): Pick<RecurringWorkParts, 'onFailed' | 'onRecovered'> {
  let told = '';
  return {
    onFailed: (error) => {
      const [fields, text] = describe(error);
      log[error.message === told ? 'debug' : 'warn'](fields, text);
      told = error.message;
    },
    onRecovered: () => {
      told = '';
      log.info(`no longer: ${what}`);
    },
  };
}
