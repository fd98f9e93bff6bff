/** `keyward encryption-key`: makes a key, and says which key of the ring opens what is stored. */
import { createEncryptionKeyFile } from '../crypto/encryption-key-file.ts';
import { generateEncryptionKey } from '../crypto/encryption-key.ts';
import { readEncryptedRows } from '../keys/provider-store.ts';
import { print, printJson, remark, table } from './terminal.ts';
import { withInstallation } from './with-installation.ts';

export function generateKey({ file }: { file?: string }): void {
  if (file === undefined) {
    print(generateEncryptionKey().reveal());
    remark('Keep it where you keep your secrets, and a copy elsewhere: without it every stored key is lost.');
    return;
  }
  createEncryptionKeyFile(file);
  print(`Made ${file} (mode 0600). Back it up: without it every stored key is lost.`);
}

/** @returns the exit code: 0 all decrypt, 1 some do not */
export async function checkKey(options: { json?: true }): Promise<number> {
  return withInstallation(async ({ database, keyRing }) => {
    const { ring, from } = keyRing;
    const rows = await readEncryptedRows(database.kysely);
    const opened = rows.map((row) => ({ ...row, keyId: ring.keyIdFor(row.token) }));
    const unreadable = opened.filter(({ keyId }) => keyId === undefined).map(({ name }) => name);
    const keys = ring.keyIds.map((id) => ({
      id,
      active: id === ring.activeKeyId,
      stored_keys: opened.filter(({ keyId }) => keyId === id).length,
    }));
    if (options.json) {
      printJson({ from, keys, stored_keys: rows.length, unreadable });
    } else {
      print(`Encryption key ring from ${from}`);
      const lines = keys.map(({ id, active, stored_keys: count }) => [
        id,
        active ? 'encrypts' : 'decrypts only',
        String(count),
      ]);
      for (const line of table([['KEY', 'ROLE', 'STORED KEYS'], ...lines])) print(line);
      if (unreadable.length === 0) print(`All ${rows.length} stored keys decrypt.`);
      else
        print(
          `${unreadable.length} of ${rows.length} stored keys do not decrypt with this ring: ${unreadable.join(', ')}.`,
        );
    }
    return unreadable.length === 0 ? 0 : 1;
  });
}
