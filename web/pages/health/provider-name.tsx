/** A provider in a row of this page: its initials, its name, its slug. */
import { Text } from '@mantine/core';
import { Monogram } from '../../parts/monogram.tsx';
import classes from './health.module.css';

export function ProviderName({ slug, name }: { readonly slug: string; readonly name: string }) {
  return (
    <div className={classes['provider']}>
      <Monogram slug={slug} name={name} />
      <div style={{ minWidth: 0 }}>
        <Text fw={600} size="sm" truncate>
          {name}
        </Text>
        <Text className="mono quiet" truncate>
          {slug}
        </Text>
      </div>
    </div>
  );
}
