/**
 * Reads from a good answer what the provider tells for free: the number of models, limit, usage, expiry. A
 * value of a form that is not expected counts as not told; what is text leaves here scrubbed and short.
 */
import type { Secret } from '../foundation/secret.ts';
import { type KeyFacts, noFacts } from './key-facts.ts';
import type { FactPath, ProviderEntry } from './provider-entry.ts';
import { type ProviderAnswer, readAnswer, valueAt } from './read-answer.ts';
import { holdsSecret, quotable, redactionMarker } from './redact.ts';

const longestText = 200;
const longestPermission = 100;
const mostPermissions = 50;

export interface ToldForFree {
  /** Null where the provider does not list all of them. */
  readonly modelsAvailable: number | null;
  readonly facts: KeyFacts;
}

export const toldNothing: ToldForFree = { modelsAvailable: null, facts: noFacts };

/**
 * Never throws, whatever the answer. Only a 200 tells anything.
 *
 * @param key the tested one, which must not stand in what is told
 */
export function readFacts(entry: ProviderEntry, answer: ProviderAnswer, key: Secret): ToldForFree {
  if (answer.status !== 200) return toldNothing;
  const { json } = readAnswer(answer);
  const at = (path: FactPath | undefined): unknown => (path === undefined ? undefined : find(json, path));
  const text = (path: FactPath | undefined): string | null => textIn(at(path), key, longestText);
  const facts = entry.facts ?? {};
  return {
    modelsAvailable: countModels(entry, json),
    facts: {
      limitUsd: amountIn(at(facts.limitUsd)),
      limitReset: text(facts.limitReset),
      remainingUsd: amountIn(at(facts.remainingUsd)),
      usageUsd: amountIn(at(facts.usageUsd)),
      expiresAt: timeIn(at(facts.expiresAt)),
      name: nameIn(at(facts.name), entry, key),
      organisation: text(facts.organisation),
      permissions: textsIn(at(facts.permissions), key),
    },
  };
}

function find(json: unknown, path: FactPath): unknown {
  if (typeof path === 'string') return valueAt(json, path);
  const list = valueAt(json, path.list);
  if (!Array.isArray(list)) return undefined;
  const found: unknown = list.find((element) => valueAt(element, path.where) === path.is);
  return valueAt(found, path.path);
}

function countModels({ models }: ProviderEntry, json: unknown): number | null {
  if (models === undefined) return null;
  if (models.moreAt !== undefined && valueAt(json, models.moreAt) === true) return null;
  const list = models.at.map((path) => valueAt(json, path)).find((value) => Array.isArray(value));
  return list?.length ?? null;
}

/** A number, or a decimal in a string, as providers send money. */
function amountIn(value: unknown): number | null {
  const amount =
    typeof value === 'string' && /^-?\d{1,15}(?:\.\d{1,15})?$/.test(value) ? Number(value) : value;
  return typeof amount === 'number' && Number.isFinite(amount) ? amount : null;
}

/** RFC 3339; a time without a zone is taken for UTC. */
function timeIn(value: unknown): Date | null {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:\d\d)?$/.exec(
    typeof value === 'string' ? value : '',
  );
  if (parts === null) return null;
  const time = new Date(`${parts[1]}${parts[2] ?? 'Z'}`);
  return Number.isNaN(time.getTime()) ? null : time;
}

function textIn(value: unknown, key: Secret, longest: number): string | null {
  if (typeof value !== 'string') return null;
  const text = quotable(value, [key], longest);
  // The name that a provider gives by itself is often a mask of the key, and nothing is left of it.
  return text === '' || text === redactionMarker ? null : text;
}

/** A mask as providers write it: what is left out of the middle stands as dots or stars. */
const mask = /^(\S*?)(?:\.{3}|…|\*{3,})(\S{0,12})$/;
/** As many of the last characters as Keyward's own masks show. */
const maskedEnd = 4;

/**
 * A key without a name of its own is called by a mask of it. Of that is told what no mask hides: how the
 * provider's keys begin, and the last characters.
 */
function nameIn(value: unknown, entry: ProviderEntry, key: Secret): string | null {
  const [, head, tail] = mask.exec(typeof value === 'string' ? value.trim() : '') ?? [];
  const beginning = entry.keyShapes.find(({ prefix }) => prefix !== '' && head?.startsWith(prefix))?.prefix;
  if (tail === undefined || beginning === undefined) return textIn(value, key, longestText);
  const shown = textIn(`${beginning}…${tail.slice(-maskedEnd)}`, key, longestText);
  return shown === null || holdsSecret(shown, key, 'as such') ? null : shown;
}

function textsIn(value: unknown, key: Secret): readonly string[] | null {
  if (!Array.isArray(value)) return null;
  return value.slice(0, mostPermissions).flatMap((one) => textIn(one, key, longestPermission) ?? []);
}
