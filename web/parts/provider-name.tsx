/** A provider in a row: its initials, its name, which leads to it, and its slug. */
import { Text } from '@mantine/core';
import { TextLink } from './links.tsx';
import { Monogram } from './monogram.tsx';
import classes from './provider-name.module.css';

export function ProviderName({ slug, name }: { readonly slug: string; readonly name: string }) {
  return (
    <div className={classes['provider']}>
      <Monogram slug={slug} name={name} />
      <div className={classes['name']}>
        <TextLink
          fw={600}
          size="sm"
          truncate
          to="/providers/$slug"
          params={{ slug }}
          className={classes['link']}
        >
          {name}
        </TextLink>
        <Text className="mono quiet" truncate>
          {slug}
        </Text>
      </div>
    </div>
  );
}
