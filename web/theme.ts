/** Colours, type and spacing of the page, light and dark. */
import {
  createTheme,
  type CSSVariablesResolver,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
  type VariantColorsResolver,
} from '@mantine/core';

/** Verdigris: 6 carries white text at 5.9 to 1, 4 carries dark text. */
const verdigris: MantineColorsTuple = [
  '#eaf6f3',
  '#d5eae5',
  '#a9d5cb',
  '#7bbfb1',
  '#57ad9c',
  '#35958a',
  '#1d6f68',
  '#185c56',
  '#124843',
  '#0b3431',
];

/** What the colours of badges and notices mean; each is readable on its own tint, light and dark. */
const meanings: Readonly<Record<string, string>> = {
  green: 'var(--keyward-good)',
  yellow: 'var(--keyward-warn)',
  orange: 'var(--keyward-warn)',
  red: 'var(--keyward-bad)',
  gray: 'var(--keyward-quiet)',
  verdigris: 'var(--keyward-accent)',
};

const readable: VariantColorsResolver = (input) => {
  const usual = defaultVariantColorsResolver(input);
  const meaning = meanings[String(input.color ?? 'verdigris')];
  if (meaning === undefined) return usual;
  // White on the red of the library cannot be read.
  if (input.variant === 'filled' && input.color === 'red')
    return { ...usual, color: '#ffffff', background: '#b3261e', hover: '#961f18' };
  if (input.variant === 'subtle') return { ...usual, color: meaning };
  if (input.variant !== 'light') return usual;
  return {
    ...usual,
    color: meaning,
    background: `color-mix(in oklab, ${meaning} 11%, var(--keyward-surface))`,
    hover: `color-mix(in oklab, ${meaning} 18%, var(--keyward-surface))`,
  };
};

export const theme = createTheme({
  variantColorResolver: readable,
  colors: { verdigris },
  primaryColor: 'verdigris',
  primaryShade: { light: 6, dark: 6 },
  autoContrast: true,
  defaultRadius: 'md',
  respectReducedMotion: true,
  cursorType: 'pointer',
  fontFamily: 'Inter, "Segoe UI", system-ui, -apple-system, Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace',
  headings: {
    fontWeight: '600',
    sizes: { h1: { fontSize: '1.5rem', lineHeight: '1.3' }, h2: { fontSize: '1.125rem', lineHeight: '1.4' } },
  },
  components: {
    Anchor: { defaultProps: { underline: 'always' } },
    Notification: {
      defaultProps: { closeButtonProps: { 'aria-label': 'Close this notice' } },
      styles: { description: { color: 'var(--keyward-quiet)' } },
    },
    Tooltip: { defaultProps: { openDelay: 250, events: { hover: true, focus: true, touch: true } } },
  },
});

/** The quiet colour of the library is too faint to be read on these grounds. */
export const readableVariables: CSSVariablesResolver = () => {
  const variables = {
    '--mantine-color-anchor': 'var(--keyward-accent)',
    '--mantine-color-dimmed': 'var(--keyward-quiet)',
    '--mantine-color-placeholder': 'var(--keyward-quiet)',
    '--mantine-color-error': 'var(--keyward-bad)',
    '--mantine-color-body': 'var(--keyward-surface)',
  };
  return { variables: {}, light: variables, dark: variables };
};
