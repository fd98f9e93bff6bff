/**
 * An instance that dies at a chosen moment, as a killed process does: before or after any statement that it sends,
 * or while a call to a provider is on its way. From then on nothing that it asks for happens.
 */
import type { KyselyPlugin, PluginTransformQueryArgs, PluginTransformResultArgs } from 'kysely';
import type { Database } from '../../src/database/database.ts';

class ProcessDied extends Error {
  constructor() {
    super('the process is dead');
  }
}

export class MortalInstance implements KyselyPlugin {
  /** Its own way to the database. */
  readonly database: Database;
  #momentsLeft = Infinity;
  #isDead = false;

  constructor(database: Database) {
    this.database = { ...database, kysely: database.kysely.withPlugin(this) };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** After so many moments more; what is open then, the database takes back. */
  dieAfter(moments: number): void {
    this.#momentsLeft = moments;
  }

  /** @returns whether it is dead by now */
  passes(): boolean {
    this.#momentsLeft -= 1;
    if (this.#momentsLeft < 0) this.#isDead = true;
    return this.#isDead;
  }

  transformQuery({ node }: PluginTransformQueryArgs) {
    if (this.passes()) throw new ProcessDied();
    return node;
  }

  async transformResult({ result }: PluginTransformResultArgs) {
    if (this.passes()) throw new ProcessDied();
    return result;
  }
}
