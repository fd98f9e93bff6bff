/** Before and after of an event as fields with names, side by side; objects within are taken apart. */
import { exactTime } from '../../parts/relative-time.tsx';

type Values = Readonly<Record<string, unknown>> | null;

export interface ChangedField {
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly isChanged: boolean;
}

/** In the order in which they stand; null: not there on that side. */
export function changedFields(before: Values, after: Values): ChangedField[] {
  const old = flat(before);
  const now = flat(after);
  const names = [...new Set([...old.keys(), ...now.keys()])];
  return names.map((name) => {
    const [one, other] = [old.get(name) ?? null, now.get(name) ?? null];
    return { name, before: one, after: other, isChanged: before !== null && after !== null && one !== other };
  });
}

const deepest = 3;

function flat(values: Values): Map<string, string> {
  const found = new Map<string, string>();
  const take = (value: unknown, path: readonly string[]): void => {
    if (isObject(value) && path.length < deepest && Object.keys(value).length > 0)
      for (const [name, inner] of Object.entries(value)) take(inner, [...path, name]);
    else found.set(path.map((name) => name.replaceAll('_', ' ')).join(' › '), shown(value));
  };
  for (const [name, value] of Object.entries(values ?? {})) take(value, [name]);
  return found;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/;

function shown(value: unknown): string {
  if (value === null) return 'none';
  if (value === true) return 'yes';
  if (value === false) return 'no';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(shown).join(', ');
  if (typeof value === 'string')
    return isoTime.test(value) ? exactTime(value) : value === '' ? 'empty' : value;
  return JSON.stringify(value);
}
