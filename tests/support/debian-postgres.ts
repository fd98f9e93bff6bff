/** The PostgreSQL 15 of Debian 12, where this machine has it: another major version and other hands that built it. */
import { existsSync } from 'node:fs';

const programs = '/usr/lib/postgresql/15/bin';

/** The directory of its programs; undefined where it is not installed. */
export function debianPostgres(): string | undefined {
  return existsSync(`${programs}/initdb`) && existsSync(`${programs}/postgres`) ? programs : undefined;
}
