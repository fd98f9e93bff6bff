/** `keyward encryption-key`: makes a key, and says which key of the ring opens what is stored. */
import { readAuditKeyToken } from '../audit/audit-key.ts';
import { createEncryptionKeyFile } from '../crypto/encryption-key-file.ts';
import { generateEncryptionKey } from '../crypto/encryption-key.ts';
import { readEncryptedRows } from '../keys/provider-store.ts';
import { shortened } from '../foundation/shortened.ts';
import { print, printJson, remark, table } from './terminal.ts';
import { withInstallation } from './with-installation.ts';

export function generateKey({ file, json }: { file?: string; json?: true }): void {
  if (file === undefined) {
    const key = generateEncryptionKey().reveal();
    if (json) printJson({ encryption_key: key });
    else print(key);
    remark('Keep it where you keep your secrets, and a copy elsewhere: without it every stored key is lost.');
    return;
  }
  createEncryptionKeyFile(file);
  if (json) printJson({ file });
  else print(`Made ${file} (mode 0600). Back it up: without it every stored key is lost.`);
}

/** @returns the exit code: 0 all decrypt, the audit trail's own key among them; 1 some do not */
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
    const auditToken = await readAuditKeyToken(database.kysely);
    const auditKeyId = auditToken === undefined ? null : (ring.keyIdFor(auditToken) ?? 'unreadable');
    if (options.json) {
      printJson({ from, keys, stored_keys: rows.length, unreadable, audit_key: auditKeyId });
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
          `${unreadable.length} of ${rows.length} stored keys do not decrypt with this ring: ${shortened(unreadable)}.`,
        );
      if (auditKeyId === 'unreadable')
        print('The key of the audit trail does not decrypt with this ring: nothing can be changed under it.');
      else if (auditKeyId !== null) print(`The key of the audit trail is under ${auditKeyId}.`);
    }
    return unreadable.length === 0 && auditKeyId !== 'unreadable' ? 0 : 1;
  });
}
