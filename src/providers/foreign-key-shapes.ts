/**
 * Keys of services that Keyward has no entry for but that people paste and programs leak: recognised in
 * order to warn by name, and redacted.
 */
import type { KeyShape } from './provider-entry.ts';

export interface ForeignKeys {
  readonly displayName: string;
  readonly keyShapes: readonly KeyShape[];
}

export const foreignKeys: readonly ForeignKeys[] = [
  { displayName: 'Hugging Face', keyShapes: [{ prefix: 'hf_', rest: '[A-Za-z0-9]{30,}' }] },
  { displayName: 'Replicate', keyShapes: [{ prefix: 'r8_', rest: '[A-Za-z0-9]{30,}' }] },
  { displayName: 'NVIDIA', keyShapes: [{ prefix: 'nvapi-', rest: '[\\w-]{40,}' }] },
  { displayName: 'Amazon Bedrock', keyShapes: [{ prefix: 'ABSK', rest: '[A-Za-z0-9+/=]{60,}' }] },
];
