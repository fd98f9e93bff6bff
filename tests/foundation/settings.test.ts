/** The table of settings: parser, error texts and documentation come from it, so it must be whole. */
import { isDeepStrictEqual } from 'node:util';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingsSchema } from '../../src/foundation/settings-schema.ts';
import { settings } from '../../src/foundation/settings.ts';

const names = settings.map(({ name }) => name);
const documentation = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

const isNoList = (value: object): boolean => Array.isArray(value) && value.length === 0;

describe('the settings', () => {
  it('every variable of the schema is described, and every described one is parsed', () => {
    expect(names.toSorted()).toEqual(Object.keys(settingsSchema.shape).toSorted());
  });

  it('none is described twice', () => {
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(settings)('$name stands in docs/configuration.md with its default and its meaning', (setting) => {
    const { name, defaultText, description } = setting;
    expect(documentation).toContain(`| \`${name}\` | ${defaultText} | ${description} |`);
    expect(description).toMatch(/\.$/);
  });

  it('the default in the documentation is the one in force', () => {
    const defaults: Readonly<Record<string, unknown>> = settingsSchema.parse({});
    const wrong = settings.filter(({ name, defaultText }) => {
      const inForce = defaults[name];
      if (typeof inForce === 'string' || typeof inForce === 'number') return defaultText !== String(inForce);
      if (typeof inForce === 'object' && inForce !== null && !isNoList(inForce)) {
        const written: Readonly<Record<string, unknown>> = settingsSchema.parse({ [name]: defaultText });
        return !isDeepStrictEqual(written[name], inForce);
      }
      return !/^(?:unset|none|generated|with the embedded database)/.test(defaultText);
    });
    expect(wrong).toEqual([]);
  });

  it('docs/configuration.md names no variable that does not exist', () => {
    const documented = [...documentation.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
    expect(new Set(documented)).toEqual(new Set(names));
  });
});
