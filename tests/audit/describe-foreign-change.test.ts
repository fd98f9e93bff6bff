/** A foreign change as an event: what differs, before and after, with nothing in it that nobody may read. */
import { describe, expect, it } from 'vitest';
import { describeForeignChange, type ForeignChange } from '../../src/audit/describe-foreign-change.ts';

const recordedAt = new Date('2026-03-01T10:00:05.000Z');
const showKey = (token: string | null) =>
  token === null
    ? { fingerprint: null, mask: null }
    : { fingerprint: `fp of ${token}`, mask: `mask of ${token}` };

const describeIt = (change: Partial<ForeignChange>) =>
  describeForeignChange(
    {
      id: '1',
      table_name: 'llm_providers',
      operation: 'UPDATE',
      row_before: null,
      row_after: null,
      database_user: 'unicorn',
      application_name: 'psql',
      client_address: '10.0.0.9',
      changed_at: new Date('2026-03-01T10:00:00.000Z'),
      ...change,
    },
    { recordedAt, showKey },
  );

const row = {
  id: 5,
  provider_slug: 'groq',
  display_name: 'Groq',
  is_active: true,
  encrypted_api_key: null,
  updated_at: 1,
};

describe('a change by another program', () => {
  it('names the role, the program, the address and the time of the change', () => {
    expect(describeIt({ row_before: row, row_after: { ...row, is_active: false } })).toMatchObject({
      action: 'database.changed',
      occurredAt: new Date('2026-03-01T10:00:00.000Z'),
      occasion: {
        actor: {
          kind: 'database',
          id: 'unicorn',
          name: 'unicorn through psql',
          address: '10.0.0.9',
          role: null,
        },
      },
      after: { recorded_at: '2026-03-01T10:00:05.000Z' },
    });
    const nameless = describeIt({ row_before: row, row_after: row, application_name: '' });
    expect(nameless.occasion?.actor.name).toBe('unicorn');
  });

  it('tells the columns that differ and no others', () => {
    const after = { ...row, display_name: 'Groq Inc.', updated_at: 2 };
    expect(describeIt({ row_before: row, row_after: after })).toMatchObject({
      target: { kind: 'provider', id: 'groq' },
    });
    const { before, after: told } = describeIt({ row_before: row, row_after: after });
    expect(before).toEqual({ display_name: 'Groq' });
    expect(told).toEqual({
      operation: 'UPDATE',
      display_name: 'Groq Inc.',
      recorded_at: '2026-03-01T10:00:05.000Z',
    });
  });

  it('shows keys as fingerprint and mask, under the names that all events use', () => {
    const { before, after } = describeIt({
      row_before: row,
      row_after: { ...row, encrypted_api_key: 'gAAA' },
    });
    expect(before).toEqual({ fingerprint: null, mask: null });
    expect(after).toMatchObject({ fingerprint: 'fp of gAAA', mask: 'mask of gAAA' });
    expect(after).not.toHaveProperty('encrypted_api_key');
  });

  it('says of a token hash and of a binding that they changed, and never what they are', () => {
    const token = { id: 9, kind: 'gateway', name: 'app', token_hash: 'abcd', revoked_at: null };
    const edited = describeIt({
      table_name: 'keyward_tokens',
      row_before: token,
      row_after: { ...token, token_hash: 'ef01' },
    });
    expect(edited).toMatchObject({ target: { kind: 'token', id: '9' }, before: { token_hash: 'set' } });
    expect(JSON.stringify(edited)).not.toMatch(/abcd|ef01/);
    const bound = { ...row, api_key_binding: 'proof' };
    expect(describeIt({ row_before: bound, row_after: row })).toMatchObject({
      before: { api_key_binding: 'set' },
      after: { api_key_binding: null },
    });
  });

  it('that gives a provider a new slug says which key it has there', () => {
    const before = { ...row, encrypted_api_key: 'gAAA' };
    const renamed = describeIt({ row_before: before, row_after: { ...before, provider_slug: 'groq-eu' } });
    expect(renamed).toMatchObject({
      target: { kind: 'provider', id: 'groq-eu' },
      before: { provider_slug: 'groq' },
      after: { provider_slug: 'groq-eu', fingerprint: 'fp of gAAA' },
    });
  });

  it('that takes a row away tells what was in it, and that its key is gone', () => {
    const gone = describeIt({ operation: 'DELETE', row_before: { ...row, encrypted_api_key: 'gAAA' } });
    expect(gone).toMatchObject({
      target: { kind: 'provider', id: 'groq' },
      before: { display_name: 'Groq', fingerprint: 'fp of gAAA' },
      after: { operation: 'DELETE', fingerprint: null },
    });
  });

  it('that empties a table names the table', () => {
    expect(describeIt({ operation: 'TRUNCATE' })).toMatchObject({
      target: { kind: 'table', id: 'llm_providers' },
      before: null,
      after: { operation: 'TRUNCATE' },
    });
  });
});
