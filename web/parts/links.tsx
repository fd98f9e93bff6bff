/** Links to views that look like what the library has: their addresses are checked with those of the router. */
import { Anchor, Button, Text, type AnchorProps, type ButtonProps, type TextProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, Ref } from 'react';

type Own<Props> = Props &
  Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof Props> & { readonly ref?: Ref<HTMLAnchorElement> };

export const AnchorLink = createLink((props: Own<AnchorProps>) => <Anchor {...props} />);

export const ButtonLink = createLink((props: Own<ButtonProps>) => <Button component="a" {...props} />);

export const TextLink = createLink((props: Own<TextProps>) => <Text component="a" {...props} />);
