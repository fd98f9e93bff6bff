/** If-Match: of two administrators who read the same, one is served and the other told; nobody is overwritten unseen. */
import { expect, test } from 'vitest';
import { describeAdministered, firstKey } from '../support/administered-keyward.ts';

const groq = '/api/v1/admin/providers/groq';

describeAdministered('a write with If-Match', (here) => {
  test('happens at the revision that the provider was read at, by its ETag or by the bare number', async () => {
    const { call } = here();
    const read = await call(`GET ${groq}`);
    const etag = read.headers.get('etag') ?? '';
    expect(etag).toBe(`"${read.body['revision'] as number}"`);
    const first = await call(`PATCH ${groq}`, {
      body: { display_name: 'One' },
      headers: { 'if-match': etag },
    });
    expect(first.status).toBe(200);
    const next = String(first.body['revision']);
    expect(
      (await call(`PATCH ${groq}`, { body: { display_name: 'Two' }, headers: { 'if-match': next } })).status,
    ).toBe(200);
    expect(
      (await call(`PATCH ${groq}`, { body: { display_name: 'Three' }, headers: { 'if-match': '*' } })).status,
    ).toBe(200);
  });

  test('is refused once the provider has changed, whoever changed it, and changes nothing', async () => {
    const { call, keyward } = here();
    const etag = (await call(`GET ${groq}`)).headers.get('etag') ?? '';
    await keyward.setProvider('groq', { display_name: 'By SQL' });
    const headers = { 'if-match': etag };
    for (const write of [
      call(`PATCH ${groq}`, { body: { display_name: 'Late' }, headers }),
      call(`DELETE ${groq}?force=true`, { headers }),
      call(`POST ${groq}/set-key`, { body: { api_key: firstKey, skip_test: true }, headers }),
      call(`DELETE ${groq}/remove-key`, { headers }),
    ]) {
      const answer = await write;
      expect([answer.status, answer.code]).toEqual([412, 'revision_mismatch']);
      expect(answer.text).toContain('Nothing was changed');
    }
    expect((await call(`GET ${groq}`)).body).toMatchObject({ display_name: 'By SQL', stored_key: null });
  });

  test('of two at once is done once', async () => {
    const { call } = here();
    const headers = { 'if-match': (await call(`GET ${groq}`)).headers.get('etag') ?? '' };
    const answers = await Promise.all(
      ['A', 'B', 'C', 'D'].map(async (name) =>
        call(`PATCH ${groq}`, { body: { display_name: name }, headers }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412, 412]);
  });

  test('at a revision that has not been yet is refused', async () => {
    const answer = await here().call(`PATCH ${groq}`, {
      body: { display_name: 'Early' },
      headers: { 'if-match': '"999999999"' },
    });
    expect([answer.status, answer.code]).toEqual([412, 'revision_mismatch']);
  });

  test.each(['W/"1"', '"1", "2"', '"abc"', '1.5', '""', '"1'])('%s is malformed: 400', async (value) => {
    const { status, body } = await here().call(`PATCH ${groq}`, {
      body: { display_name: 'X' },
      headers: { 'if-match': value },
    });
    expect(status).toBe(400);
    expect(body['error']).toMatchObject({ code: 'header_invalid', param: 'If-Match' });
  });

  test('that the address does not understand is refused rather than ignored', async () => {
    const { call } = here();
    const { status, body } = await call(`POST ${groq}/test-key`, { headers: { 'if-match': '"1"' } });
    expect(status).toBe(400);
    expect(body['error']).toMatchObject({ code: 'header_invalid', param: 'If-Match' });
  });
});
