/** Questions before something is lost. Only a terminal is asked: a program says --yes, or is told to. */
import { confirm, isCancel } from '@clack/prompts';
import { UsageError } from '../foundation/errors.ts';

/**
 * Asks at the terminal; whoever gives up has not agreed.
 * @param byEnter what the Enter key alone says
 */
export async function agreed(message: string, byEnter = false): Promise<boolean> {
  const answer = await confirm({ message, initialValue: byEnter, output: process.stderr });
  return !isCancel(answer) && answer;
}

/**
 * The same for what is never done unasked.
 * @param refusal what is said where there is nobody to ask
 * @throws UsageError with exit code 2 there
 */
export async function confirmed(message: string, refusal: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError(refusal, { exitCode: 2 });
  return agreed(message);
}
