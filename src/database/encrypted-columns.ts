/**
 * The registry of every column that holds Fernet tokens under the encryption key ring. What is not here would be
 * lost when an encryption key is removed, so a test looks for columns that hold tokens and are missing.
 */

export interface EncryptedColumn {
  readonly table: string;
  readonly column: string;
  /** Identifies a row, in the order of an index: columns and their types. */
  readonly id: readonly (readonly [
    column: string,
    type: 'integer' | 'bigint' | 'text' | 'boolean' | 'timestamp',
  ])[];
  /** Which rows hold tokens, where not all do; SQL. */
  readonly only?: string;
  /** Where the row says which key encrypted it: see encryption-mark.ts. A table without is small. */
  readonly mark?: 'encrypted_under';
  /** The proof beside the key, which is made under the encryption key too. */
  readonly binding?: {
    readonly column: string;
    readonly of: 'key' | 'management';
    readonly provider: string;
  };
  /** What the transaction must set to be let through by the table's triggers. */
  readonly setting?: string;
  /** The table is there only after a rollback that saved keys. */
  readonly isSaved?: true;
}

const mark = 'encrypted_under' as const;

/** llm_providers last: its active versions, which must equal it, change with it. */
export const encryptedColumns: readonly EncryptedColumn[] = [
  { table: 'user_api_keys', column: 'encrypted_api_key', id: [['id', 'integer']], mark },
  {
    table: 'keyward_key_versions',
    column: 'encrypted_api_key',
    id: [['id', 'bigint']],
    mark,
    binding: { column: 'api_key_binding', of: 'key', provider: 'provider_id' },
  },
  {
    table: 'keyward_management_keys',
    column: 'encrypted_credential',
    id: [['provider_id', 'integer']],
    mark,
    binding: { column: 'credential_binding', of: 'management', provider: 'provider_id' },
  },
  {
    table: 'keyward_idempotency_keys',
    column: 'answer',
    id: [
      ['actor', 'text'],
      ['key', 'text'],
    ],
    // The counts of key tests are no answers.
    only: "request_hash <> ''",
    mark,
  },
  {
    table: 'keyward_alert_channels',
    column: 'encrypted_settings',
    id: [['id', 'integer']],
    mark,
  },
  {
    table: 'keyward_audit_chain',
    column: 'encrypted_audit_key',
    id: [['only_row', 'boolean']],
    setting: 'keyward.reencrypts_audit_key',
  },
  {
    table: 'llm_providers_system_keys_backup_002',
    column: 'encrypted_api_key',
    id: [
      ['provider_slug', 'text'],
      ['backed_up_at', 'timestamp'],
    ],
    isSaved: true,
  },
  {
    table: 'llm_providers',
    column: 'encrypted_api_key',
    id: [['id', 'integer']],
    mark,
    binding: { column: 'api_key_binding', of: 'key', provider: 'id' },
  },
];
