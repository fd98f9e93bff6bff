/**
 * A file of SQL as `psql -f` runs it without any option: statement by statement, each on its own unless the file
 * opens a transaction, and on after an error.
 */
import type { RawClient } from './engines.ts';

/** Up to the semicolon that ends it: one in a comment, a string or a dollar-quoted body does not. */
const statement = /(?:--[^\n]*|'(?:[^']|'')*'|\$(\w*)\$[^]*?\$\1\$|[^;'$-]|-(?!-)|\$)+;/g;

/** @returns what the errors said, in order, each with its hint where it has one */
export async function runByHand(client: RawClient, text: string): Promise<string[]> {
  const errors: string[] = [];
  for (const [one] of text.matchAll(statement)) {
    try {
      await client.exec(one);
    } catch (error) {
      const { message, hint } = error as Error & { hint?: string };
      errors.push(hint === undefined ? message : `${message} (${hint})`);
    }
  }
  return errors;
}
