/** A provider's initials on a colour of its own: the page ships no trade marks. */
import { rem } from '@mantine/core';
import classes from './monogram.module.css';

export function Monogram({
  slug,
  name,
  size = 32,
}: {
  readonly slug: string;
  readonly name: string;
  readonly size?: number;
}) {
  return (
    <span
      aria-hidden
      className={classes['monogram']}
      style={{
        width: rem(size),
        height: rem(size),
        fontSize: rem(size * 0.4),
        ['--hue' as string]: hueOf(slug),
      }}
    >
      {initialsOf(name)}
    </span>
  );
}

function initialsOf(name: string): string {
  const words = name.split(/[\s.-]+/).filter((word) => word !== '');
  const letters = words.length > 1 ? `${words[0]?.[0] ?? ''}${words[1]?.[0] ?? ''}` : name.slice(0, 2);
  return letters.charAt(0).toUpperCase() + letters.slice(1);
}

function hueOf(slug: string): number {
  let hash = 7;
  for (const letter of slug) hash = (hash * 31 + letter.charCodeAt(0)) % 360;
  return hash;
}
