/** The gateway tokens: whose each is, what it may use, and what was used with it. */
import { Button, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { tokensQuery } from '../../api/queries.ts';
import { usageQuery } from '../../api/usage-queries.ts';
import type { Token, UsageSum } from '../../api/views.ts';
import { count } from '../../parts/count.ts';
import type { Column } from '../../parts/data-table.tsx';
import { AnchorLink } from '../../parts/links.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { sayAmount, sayUsd } from '../../parts/say-amount.ts';
import { Failure } from '../../parts/states.tsx';
import { TokenTable } from '../administrators/token-table.tsx';
import { dayBefore } from '../health/words.ts';
import { tokensOf } from '../usage/sums.ts';
import { LimitsDialog } from './limits-dialog.tsx';
import { sayLimits } from './limits.ts';

/** As the API names the token of the environment. */
const ofEnvironment = 0;

export function GatewayTokens() {
  const tokens = useQuery(tokensQuery);
  const usage = useQuery(usageQuery({ by: 'token', from: dayBefore(29) }));
  const [limited, setLimited] = useState<Token | null>(null);
  const used = useMemo(
    () => usage.data && new Map(usage.data.usage.map((sum) => [sum.token_id, sum])),
    [usage.data],
  );
  const fromEnvironment = used?.get(ofEnvironment);
  return (
    <Stack gap="md">
      {usage.isError && <Failure error={usage.error} what="The usage cannot be read" />}
      <QueryView query={tokens} what="The tokens">
        {(all) => (
          <TokenTable
            kind="gateway"
            tokens={all.filter(({ kind }) => kind === 'gateway')}
            name={(token) => <TokenName token={token} />}
            more={[limitsColumn, ...usageColumns(used)]}
            acts={(token) => (
              <Button
                size="compact-sm"
                variant="subtle"
                onClick={() => setLimited(token)}
                aria-label={`Limits of ${token.name}`}
              >
                Limits
              </Button>
            )}
          />
        )}
      </QueryView>
      {fromEnvironment !== undefined && (
        <Text size="sm">
          With the{' '}
          <AnchorLink to="/usage" search={{ token: ofEnvironment }}>
            token of the environment
          </AnchorLink>{' '}
          (<span className="mono">KEYWARD_GATEWAY_TOKEN</span>):{' '}
          {sayAmount('requests', fromEnvironment.requests)}, {sayUsd(fromEnvironment.cost_usd)} in 30 days.
        </Text>
      )}
      <Text size="sm" className="quiet">
        A name leads to the usage of its token. That of all of them stands in{' '}
        <AnchorLink to="/usage">Usage</AnchorLink>.
      </Text>
      {limited !== null && <LimitsDialog token={limited} onClose={() => setLimited(null)} />}
    </Stack>
  );
}

function TokenName({ token: { id, name, prefix, owner } }: { readonly token: Token }) {
  return (
    <>
      <AnchorLink to="/usage" search={{ token: id }} fw={600} size="sm">
        {name}
      </AnchorLink>
      <Text size="xs" className="quiet">
        <span className="mono">{prefix}…</span>
        {owner !== null && ` of ${owner}`}
      </Text>
    </>
  );
}

const limitsColumn: Column<Token> = {
  name: 'Limits',
  isLong: true,
  isWide: true,
  cell: (token) => {
    const said = sayLimits(token);
    return token.state === 'good' && said !== 'No limits' ? said : <span className="quiet">{said}</span>;
  },
};

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
