/** The applications that may call the gateway: a token each, and what was used with it. */
import { Button, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useMemo, useState } from 'react';
import { tokensQuery } from '../../api/queries.ts';
import { usageQuery } from '../../api/usage-queries.ts';
import type { Token, UsageSum } from '../../api/views.ts';
import { AdminOnly } from '../../parts/admin-only.tsx';
import { count } from '../../parts/count.ts';
import type { Column } from '../../parts/data-table.tsx';
import { AnchorLink } from '../../parts/links.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Failure } from '../../parts/states.tsx';
import { NewTokenDialog } from '../administrators/new-token-dialog.tsx';
import { TokenTable } from '../administrators/token-table.tsx';
import { dayBefore } from '../health/words.ts';
import { sayAmount, sayUsd, tokensOf } from '../usage/sums.ts';

/** As the API names the token of the environment. */
const ofEnvironment = 0;

export function CallersPage() {
  const tokens = useQuery(tokensQuery);
  const usage = useQuery(usageQuery({ by: 'token', from: dayBefore(29) }));
  const [isMaking, setMaking] = useState(false);
  const used = useMemo(
    () => usage.data && new Map(usage.data.usage.map((sum) => [sum.token_id, sum])),
    [usage.data],
  );
  const fromEnvironment = used?.get(ofEnvironment);
  return (
    <>
      <PageHeader
        title="Callers"
        summary="An application presents a gateway token, and never sees a provider’s key."
        actions={
          <AdminOnly>
            {(isForbidden) => (
              <Button
                leftSection={<Plus size={16} aria-hidden />}
                disabled={isForbidden}
                onClick={() => setMaking(true)}
              >
                Make a gateway token
              </Button>
            )}
          </AdminOnly>
        }
      />
      <Stack gap="md">
        {usage.isError && <Failure error={usage.error} what="The usage cannot be read" />}
        <QueryView query={tokens} what="The tokens">
          {(all) => (
            <TokenTable
              kind="gateway"
              tokens={all.filter(({ kind }) => kind === 'gateway')}
              more={usageColumns(used)}
            />
          )}
        </QueryView>
        {fromEnvironment !== undefined && (
          <Text size="sm">
            With the token of the environment (<span className="mono">KEYWARD_GATEWAY_TOKEN</span>):{' '}
            {sayAmount('requests', fromEnvironment.requests)}, {sayUsd(fromEnvironment.cost_usd)} in 30 days.
          </Text>
        )}
        <Text size="sm" className="quiet">
          More of it, by day and model, stands in <AnchorLink to="/usage">Usage</AnchorLink>.
        </Text>
      </Stack>
      {isMaking && <NewTokenDialog kind="gateway" onClose={() => setMaking(false)} />}
    </>
  );
}

/** @param used by token; undefined until it is known */
function usageColumns(used: ReadonlyMap<number | null, UsageSum> | undefined): readonly Column<Token>[] {
  const told =
    (say: (sum: UsageSum) => string, none: string) =>
    ({ id }: Token): string => {
      const sum = used?.get(id);
      if (sum !== undefined) return say(sum);
      return used === undefined ? '…' : none;
    };
  return [
    {
      name: 'Requests, 30 days',
      isNumber: true,
      cell: told(({ requests }) => count.format(requests), '0'),
    },
    { name: 'Tokens, 30 days', isNumber: true, cell: told((sum) => count.format(tokensOf(sum)), '0') },
    {
      name: 'Cost, 30 days',
      isNumber: true,
      isFirm: true,
      cell: told(({ cost_usd: cost }) => sayUsd(cost), sayUsd(0)),
    },
  ];
}
