/** What both keys have served since the canary began, side by side, over all instances. */
import { Group, SimpleGrid, Stack, Text } from '@mantine/core';
import type { KeyTraffic, KeyVersion, Rotation } from '../../api/views.ts';
import { Panel } from '../../parts/panel.tsx';
import { VerdictBadge } from '../../parts/verdict.tsx';
import classes from './traffic-panel.module.css';
import { count } from '../../parts/count.ts';

export function TrafficPanel({ rotation }: { readonly rotation: Rotation }) {
  const { traffic, new_key: newKey, old_key: oldKey, step, canary_percent: percent } = rotation;
  const [newRole, oldRole] = rolesAt(step, percent);
  return (
    <Panel
      title={rotation.is_open ? 'Both keys, live' : 'What both keys served'}
      description={
        rotation.is_open
          ? 'Calls since the canary began, on all instances together, at most a second or two old.'
          : 'Calls from the beginning of the canary to the end of the rotation.'
      }
    >
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
        <Side name="New key" version={newKey} counts={traffic.new} role={newRole} other={traffic.old} />
        <Side
          name="Old key"
          version={oldKey}
          without={rotation.source_before === 'database' ? 'none' : 'of the environment'}
          counts={traffic.old}
          role={oldRole}
          other={traffic.new}
        />
      </SimpleGrid>
    </Panel>
  );
}

/** What each of both keys does: the new one, the old one. */
function rolesAt(step: Rotation['step'], percent: number): readonly [string, string] {
  switch (step) {
    case 'canary':
      return [`${percent} percent of the calls`, 'All other calls'];
    case 'soaking':
      return ['Serves', 'Stands by'];
    case 'completed':
      return ['Serves', 'Out of use'];
    case 'minting':
    case 'staged':
    case 'tested':
      return ['Waits', 'Serves'];
    case 'superseded':
      return ['Out of use', 'Out of use'];
    default:
      return ['Given up', 'Serves'];
  }
}

function Side({
  name,
  version,
  counts: { calls, errors, refusals, error_rate: rate },
  role,
  other,
  without = 'not made yet',
}: {
  readonly name: string;
  readonly version: KeyVersion | null;
  readonly counts: KeyTraffic;
  /** What it does now. */
  readonly role: string;
  readonly other: KeyTraffic;
  /** What to say where there is no version. */
  readonly without?: string;
}) {
  const isWorse = rate !== null && rate > (other.error_rate ?? 0) && errors > 0;
  return (
    <Stack gap="xs" className={classes['side']} role="group" aria-label={name}>
      <div>
        <Text fw={600} size="sm">
          {name}
        </Text>
        <Text size="sm" className="quiet">
          {role}
        </Text>
      </div>
      <Group gap="xs">
        <span className="mono">{version?.mask ?? without}</span>
        {version?.last_verdict != null && <VerdictBadge verdict={version.last_verdict} />}
      </Group>
      <dl className={classes['counts']}>
        <Count name="Calls" value={count.format(calls)} />
        <Count name="Errors" value={count.format(errors)} />
        <Count name="Refusals" value={count.format(refusals)} isBad={refusals > 0} />
        <Count name="Error rate" value={rate === null ? '–' : shares.format(rate)} isBad={isWorse} />
      </dl>
      <div className={classes['track']} aria-hidden>
        <div
          className={classes['fill']}
          data-bad={isWorse || undefined}
          style={{ width: `${(rate ?? 0) * 100}%` }}
        />
      </div>
    </Stack>
  );
}

/** As people read error rates. */
export const shares = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 2 });

function Count({
  name,
  value,
  isBad = false,
}: {
  readonly name: string;
  readonly value: string;
  readonly isBad?: boolean;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-bad={isBad || undefined}>{value}</dd>
    </div>
  );
}
