/** The facts that the database tells of our tables: each kind of them is read, the same on both engines, and compared by name. */
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import {
  compareFacts,
  describeDifference,
  type Facts,
  isTableThere,
  readFacts,
} from '../../../src/database/migrations/catalogue.ts';
import {
  factsUpTo,
  readExpectedCatalogue,
  tablesOf,
} from '../../../src/database/migrations/expected-facts.ts';
import { describeOnMigratedDatabase } from '../../support/migrated-database.ts';

const expected = readExpectedCatalogue();
const tables = tablesOf(expected);

const everyKind = `
  CREATE TABLE parents (id INTEGER PRIMARY KEY);
  CREATE TABLE things (
    id BIGSERIAL PRIMARY KEY, parent INTEGER REFERENCES parents ON DELETE CASCADE, name VARCHAR(20) NOT NULL DEFAULT 'a' UNIQUE,
    price NUMERIC(8, 2) CHECK (price > 0), made_at TIMESTAMP, gone TEXT,
    shout TEXT GENERATED ALWAYS AS (upper(name)) STORED
  );
  ALTER TABLE things DROP COLUMN gone;
  ALTER TABLE things ADD CONSTRAINT later CHECK (name <> 'b') NOT VALID;
  CREATE INDEX things_priced ON things (price DESC, lower(name)) WHERE price IS NOT NULL;
  COMMENT ON TABLE things IS 'Things.';
  COMMENT ON COLUMN things.price IS 'In euro.';
  CREATE FUNCTION keyward_test() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
  CREATE FUNCTION another_test() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
  CREATE TRIGGER things_changed BEFORE UPDATE OF name ON things FOR EACH ROW WHEN (OLD.price > 1) EXECUTE FUNCTION keyward_test()`;

describeOnMigratedDatabase('the catalogue', (database) => {
  it('tells the same of constraints and triggers that a dump has made anew from their own words', async () => {
    const [before, after] = await database().undone(async (tx) => {
      const facts = await readFacts(tx, tables);
      await sql
        .raw(
          `DO $$
           DECLARE one RECORD;
           BEGIN
             FOR one IN SELECT conname, conrelid::regclass AS place, pg_get_constraintdef(oid) AS words FROM pg_constraint
                         WHERE connamespace = current_schema()::regnamespace AND contype = 'c' LOOP
               EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.place, one.conname);
               EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', one.place, one.conname, one.words);
             END LOOP;
             FOR one IN SELECT tgname, tgrelid::regclass AS place, pg_get_triggerdef(pg_trigger.oid) AS words FROM pg_trigger
                          JOIN pg_class ON pg_class.oid = tgrelid
                         WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace AND tgenabled = 'O' LOOP
               EXECUTE format('DROP TRIGGER %I ON %s', one.tgname, one.place);
               EXECUTE one.words;
             END LOOP;
           END $$`,
        )
        .execute(tx);
      return [facts, await readFacts(tx, tables)];
    });
    expect(after).toEqual(before);
  });

  it('tells of a table every kind of fact that there is, and of another table nothing', async () => {
    const facts = await database().undone(async (tx) => {
      await sql.raw(everyKind).execute(tx);
      return readFacts(tx, ['things', 'nothing_there']);
    });
    const ours = new Map([...facts].filter(([name]) => !/function keyward_(?!test)/.test(name)));
    expect(Object.fromEntries(ours)).toEqual({
      'table things': 'there',
      'column things.id': "bigint not null default nextval('things_id_seq'::regclass)",
      'column things.parent': 'integer null',
      'column things.name': "character varying(20) not null default 'a'::character varying",
      'column things.price': 'numeric(8,2) null',
      'column things.made_at': 'timestamp without time zone null',
      'column things.shout': 'text null generated as upper((name)::text)',
      'comment on table things': 'Things.',
      'comment on column things.price': 'In euro.',
      'constraint things.things_pkey': 'PRIMARY KEY (id)',
      'constraint things.things_name_key': 'UNIQUE (name)',
      'constraint things.things_parent_fkey': 'FOREIGN KEY (parent) REFERENCES parents(id) ON DELETE CASCADE',
      'constraint things.things_price_check': 'CHECK (price > 0::numeric)',
      'constraint things.later': "CHECK (name <> 'b')",
      'validation of constraint things.later': 'pending',
      'index things.things_pkey': 'unique btree (id)',
      'index things.things_name_key': 'unique btree (name)',
      'index things.things_priced': 'btree (price DESC, lower(name::text)) WHERE price IS NOT NULL',
      'trigger things.things_changed':
        'CREATE TRIGGER things_changed BEFORE UPDATE OF name ON things FOR EACH ROW WHEN (old.price > 1::numeric) EXECUTE FUNCTION keyward_test()',
      'function keyward_test': expect.stringMatching(/^body [0-9a-f]{32}$/),
    });
  });

  it('after all migrations is what the file says, on this engine as on any', async () => {
    const facts = await readFacts(database().opened.database.kysely, tables);
    expect(compareFacts(factsUpTo(expected, '999'), facts)).toEqual([]);
    expect(compareFacts(facts, factsUpTo(expected, '999'))).toEqual([]);
  });

  it.each([
    'DISABLE TRIGGER things_changed',
    'DISABLE TRIGGER USER',
    'ENABLE REPLICA TRIGGER things_changed',
  ])('tells of a trigger that never fires: %s', async (silencing) => {
    const name = 'trigger things.things_changed';
    const [fires, silent, always] = await database().undone(async (tx) => {
      const shapes: (string | undefined)[] = [];
      for (const text of [
        everyKind,
        `ALTER TABLE things ${silencing}`,
        'ALTER TABLE things ENABLE ALWAYS TRIGGER things_changed',
      ]) {
        await sql.raw(text).execute(tx);
        shapes.push((await readFacts(tx, ['things'])).get(name));
      }
      return shapes;
    });
    expect(silent).not.toBe(fires);
    expect(silent).toMatch(/ (?:disabled|on replicas only)$/);
    expect(always).toBe(fires);
  });

  it('is of the current schema, whatever lies beside it', async () => {
    const { before, after } = await database().undone(async (tx) => {
      const before = await readFacts(tx, tables);
      await sql.raw(`CREATE SCHEMA beside; CREATE TABLE beside.llm_providers (id UUID)`).execute(tx);
      return { before, after: await readFacts(tx, tables) };
    });
    expect(after).toEqual(before);
  });

  it.each([
    ['a body of other blanks', 'BEGIN\n\n  RETURN NEW;\tEND', true],
    ['a body of other words', 'BEGIN RETURN OLD; END', false],
  ])('takes %s for the same: %s', async (_, body, same) => {
    const [one, other] = await database().undone(async (tx) => {
      const shapes: (string | undefined)[] = [];
      for (const text of ['BEGIN RETURN NEW; END', body]) {
        await sql
          .raw(`CREATE OR REPLACE FUNCTION keyward_test() RETURNS trigger LANGUAGE plpgsql AS $$${text}$$`)
          .execute(tx);
        shapes.push((await readFacts(tx, [])).get('function keyward_test'));
      }
      return shapes;
    });
    expect(one === other).toBe(same);
  });

  it('knows whether a table is there, by its rows and not by what was so before', async () => {
    await database().undone(async (tx) => {
      expect(await isTableThere(tx, 'llm_providers')).toBe(true);
      expect(await isTableThere(tx, 'llm_suppliers')).toBe(false);
      await sql`ALTER TABLE llm_providers RENAME TO llm_suppliers`.execute(tx);
      expect(await isTableThere(tx, 'llm_providers')).toBe(false);
      expect(await isTableThere(tx, 'llm_suppliers')).toBe(true);
      await sql`CREATE SCHEMA beside`.execute(tx);
      await sql`SET LOCAL search_path = beside, public`.execute(tx);
      expect(await isTableThere(tx, 'llm_suppliers')).toBe(false);
    });
  });
});

describe('a comparison', () => {
  const wanted: Facts = new Map([
    ['column a.b', 'text null'],
    ['column a.c', 'integer null'],
    ['index a.d', 'btree (b)'],
  ]);
  it('names what is missing and what is different, and nothing that nobody asked for', () => {
    const found = new Map([
      ['column a.b', 'text null'],
      ['column a.c', 'bigint null'],
      ['column a.more', 'text null'],
    ]);
    expect(compareFacts(wanted, found).map(describeDifference)).toEqual([
      'column a.c: expected integer null, found bigint null',
      'index a.d: expected btree (b), found nothing',
    ]);
    expect(compareFacts(wanted, wanted)).toEqual([]);
  });

  it('says when something should not be there', () => {
    expect(describeDifference({ name: 'column a.b', expected: null, found: 'text null' })).toBe(
      'column a.b: expected nothing, found text null',
    );
  });
});
