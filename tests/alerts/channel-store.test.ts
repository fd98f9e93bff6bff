/** A channel changes with its event in the trail; its settings lie encrypted, are never read back, and move with the encryption key. */
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import {
  changeChannel,
  createChannel,
  deleteChannel,
  findChannel,
  openSettings,
  shownSettings,
  type ChannelParts,
} from '../../src/alerts/channel-store.ts';
import { markedKeyId } from '../../src/crypto/encryption-mark.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { Alerting } from '../support/alerting.ts';
import { occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

const planted = ['planted', 'path', 'of', 'slack'].join('-');
const url = `https://hooks.slack.com/services/${planted}`;

describeOnUsualDatabases('channels', (opened) => {
  const partsHere = (): ChannelParts & { alerting: Alerting } => {
    const alerting = new Alerting(opened().database);
    const { audit, ring, clock } = alerting.parts;
    return { audit, ring, clock, config: loadConfig({}), alerting };
  };
  const slack = { name: 'on call', kind: 'slack', settings: { url } } as const;
  const rowsOf = async (query: string): Promise<unknown> =>
    (await sql.raw(query).execute(opened().database.kysely)).rows;

  it('are kept encrypted, marked with the encryption key, and shown masked', async () => {
    const parts = partsHere();
    const channel = await createChannel(parts, occasionOfTests, slack);
    expect(shownSettings(channel, parts.ring)).toMatchObject({ url: 'https://hooks.slack.com/••••' });
    expect(openSettings(channel, parts.ring)).toMatchObject({ kind: 'slack' });
    const rows = (await rowsOf('SELECT * FROM keyward_alert_channels')) as {
      encrypted_settings: string;
      encrypted_under: string;
    }[];
    const [row] = rows;
    expect(markedKeyId(row?.encrypted_under ?? '', row?.encrypted_settings ?? '')).toBe(
      parts.ring.activeKeyId,
    );
    expect(JSON.stringify(rows)).not.toContain(planted);
  });

  it('each change is on record, without secrets, and no change is noted as that of another program', async () => {
    const parts = partsHere();
    const { id } = await createChannel(parts, occasionOfTests, slack);
    await changeChannel(parts, occasionOfTests, id, { isActive: false, quiet: { from: 0, to: 360 } });
    await changeChannel(parts, occasionOfTests, id, { settings: { url: `${url}-2` } });
    await deleteChannel(parts, occasionOfTests, id);
    const events = (await rowsOf(
      `SELECT event::jsonb -> 'action' AS action, event::jsonb -> 'after' AS after FROM keyward_audit_events WHERE action LIKE 'alert%' ORDER BY sequence`,
    )) as object[];
    expect(events).toMatchObject([
      { action: 'alert_channel.created', after: { name: 'on call', kind: 'slack' } },
      {
        action: 'alert_channel.changed',
        after: { is_active: false, quiet_hours: { from: 0, to: 360 }, settings_changed: false },
      },
      { action: 'alert_channel.changed', after: { settings_changed: true } },
      { action: 'alert_channel.deleted', after: null },
    ]);
    expect(JSON.stringify(events)).not.toContain(planted);
    expect(await rowsOf('SELECT * FROM keyward_foreign_changes')).toEqual([]);
  });

  it('what is not named stays, and each change makes another revision', async () => {
    const parts = partsHere();
    const made = await createChannel(parts, occasionOfTests, slack);
    const changed = await changeChannel(parts, occasionOfTests, made.id, { name: 'the night shift' });
    expect(changed).toMatchObject({
      ...made,
      name: 'the night shift',
      changedAt: changed.changedAt,
      revision: changed.revision,
    });
    expect(changed.revision).toBeGreaterThan(made.revision);
  });

  it('quiet hours that end when they begin are refused, for a new channel and a changed one', async () => {
    const parts = partsHere();
    const quiet = { from: 1_320, to: 1_320 };
    const refused = { code: 'field_invalid', param: 'quiet_hours' };
    await expect(createChannel(parts, occasionOfTests, { ...slack, quiet })).rejects.toMatchObject(refused);
    const { id } = await createChannel(parts, occasionOfTests, slack);
    await expect(changeChannel(parts, occasionOfTests, id, { quiet })).rejects.toMatchObject(refused);
  });

  it('nobody overwrites what another has changed unseen', async () => {
    const parts = partsHere();
    const { id, revision } = await createChannel(parts, occasionOfTests, slack);
    await changeChannel(parts, occasionOfTests, id, { isActive: false, ifRevision: revision });
    const late = { ifRevision: revision };
    await expect(changeChannel(parts, occasionOfTests, id, { name: 'x', ...late })).rejects.toMatchObject({
      code: 'revision_mismatch',
    });
    await expect(deleteChannel(parts, occasionOfTests, id, late)).rejects.toMatchObject({
      code: 'revision_mismatch',
    });
  });

  it('no two have one name, and one that is not there cannot be changed', async () => {
    const parts = partsHere();
    await createChannel(parts, occasionOfTests, slack);
    const other = await createChannel(parts, occasionOfTests, { name: 'log', kind: 'log' });
    const taken = { code: 'channel_exists' };
    await expect(createChannel(parts, occasionOfTests, slack)).rejects.toMatchObject(taken);
    await expect(changeChannel(parts, occasionOfTests, other.id, { name: 'on call' })).rejects.toMatchObject(
      taken,
    );
    const gone = { code: 'channel_not_found' };
    await expect(changeChannel(parts, occasionOfTests, 99, { name: 'x' })).rejects.toMatchObject(gone);
    await expect(deleteChannel(parts, occasionOfTests, 99)).rejects.toMatchObject(gone);
  });

  it('with a channel go its deliveries', async () => {
    const parts = partsHere();
    const { id } = await createChannel(parts, occasionOfTests, { name: 'log', kind: 'log' });
    await rowsOf(`INSERT INTO keyward_alert_deliveries (channel_id, event) VALUES (${id}, 'test')`);
    await deleteChannel(parts, occasionOfTests, id);
    expect(await parts.alerting.deliveries()).toEqual([]);
    expect(await findChannel(opened().database.kysely, { id })).toBeUndefined();
  });
});
