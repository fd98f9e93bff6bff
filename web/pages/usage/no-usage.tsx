/** No call in the days that are shown: how a first one is made. */
import { Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { providersQuery } from '../../api/queries.ts';
import { CopyField } from '../../parts/copy-field.tsx';
import { ButtonLink } from '../../parts/links.tsx';
import { Notice } from '../../parts/states.tsx';
import { snippet } from '../set-up/snippets.ts';

export function NoUsage({
  days,
  provider: slug,
  isFiltered,
}: {
  readonly days: number;
  readonly provider: string | undefined;
  /** Only a part is shown: others may have called. */
  readonly isFiltered: boolean;
}) {
  const { data: providers = [] } = useQuery(providersQuery);
  const provider =
    providers.find((one) => one.slug === slug) ?? providers.find(({ serves }) => serves.source !== null);
  const model = provider?.example_model ?? `${provider?.slug ?? 'provider'}/model`;
  if (isFiltered)
    return (
      <Notice title={`No such call in ${days} days`}>
        Look at more days, or at all providers and tokens.
      </Notice>
    );
  return (
    <Notice
      title={`No call in ${days} days`}
      action={
        <>
          <CopyField
            label="a first call"
            text={snippet('curl', { origin: location.origin, token: null, model })}
          />
          <Group gap="xs" justify="center">
            <ButtonLink to="/playground">To the playground</ButtonLink>
            <ButtonLink to="/callers" variant="default">
              To the gateway tokens
            </ButtonLink>
          </Group>
        </>
      }
    >
      An application calls with a gateway token, and a second later its call stands here. Make a token and
      send this, or try one in the playground:
    </Notice>
  );
}
