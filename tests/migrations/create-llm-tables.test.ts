/** Migration 001 against the tables that are in the field, written down here from what is known of them. */
import { expect, test } from 'vitest';
import { describeOnUsualEngines, type RawClient } from '../support/engines.ts';
import { columnsOf, migration, readCatalogue, type Definitions } from './catalogue.ts';

const create = migration('001_create_llm_tables');
const rollback = migration('001_create_llm_tables_rollback');

const varchar = (length: number): string => `character varying(${length})`;
const text = (value: string): string => `DEFAULT '${value}'::character varying`;
const price = 'numeric(10,6)';
const moment = 'timestamp without time zone';
const timestamps: Definitions = {
  created_at: `${moment} NOT NULL DEFAULT CURRENT_TIMESTAMP`,
  updated_at: `${moment} NOT NULL DEFAULT CURRENT_TIMESTAMP`,
};
const serial = (table: string): string => `integer NOT NULL DEFAULT nextval('${table}_id_seq'::regclass)`;

const tables: Readonly<Record<string, Definitions>> = {
  llm_providers: {
    id: serial('llm_providers'),
    provider_name: `${varchar(100)} NOT NULL`,
    provider_slug: `${varchar(100)} NOT NULL`,
    display_name: `${varchar(200)} NOT NULL`,
    description: 'text',
    base_url: varchar(500),
    auth_type: `${varchar(50)} NOT NULL ${text('api_key')}`,
    supports_streaming: 'boolean DEFAULT true',
    supports_function_calling: 'boolean DEFAULT false',
    supports_vision: 'boolean DEFAULT false',
    rate_limit_rpm: 'integer',
    rate_limit_tpm: 'integer',
    rate_limit_rpd: 'integer',
    is_active: 'boolean DEFAULT true',
    is_byok_supported: 'boolean DEFAULT true',
    is_system_provider: 'boolean DEFAULT false',
    api_key_format: varchar(100),
    documentation_url: varchar(500),
    pricing_url: varchar(500),
    status_page_url: varchar(500),
    health_status: `${varchar(50)} ${text('unknown')}`,
    health_last_checked: moment,
    health_response_time_ms: 'integer',
    min_tier_required: `${varchar(50)} ${text('free')}`,
    ...timestamps,
  },
  llm_models: {
    id: serial('llm_models'),
    provider_id: 'integer NOT NULL',
    model_name: `${varchar(200)} NOT NULL`,
    model_id: `${varchar(200)} NOT NULL`,
    display_name: `${varchar(200)} NOT NULL`,
    description: 'text',
    max_tokens: 'integer NOT NULL DEFAULT 4096',
    context_window: 'integer NOT NULL DEFAULT 8192',
    supports_streaming: 'boolean DEFAULT true',
    supports_function_calling: 'boolean DEFAULT false',
    supports_vision: 'boolean DEFAULT false',
    supports_json_mode: 'boolean DEFAULT false',
    cost_per_1m_input_tokens: price,
    cost_per_1m_output_tokens: price,
    cost_per_1m_tokens_cached: price,
    power_level: varchar(50),
    power_level_priority: 'integer DEFAULT 999',
    is_active: 'boolean DEFAULT true',
    is_deprecated: 'boolean DEFAULT false',
    deprecation_date: moment,
    replacement_model_id: 'integer',
    min_tier_required: `${varchar(50)} ${text('free')}`,
    ...timestamps,
  },
  user_api_keys: {
    id: serial('user_api_keys'),
    user_id: `${varchar(255)} NOT NULL`,
    provider_id: 'integer NOT NULL',
    key_name: varchar(200),
    encrypted_api_key: 'text NOT NULL',
    key_prefix: varchar(20),
    key_suffix: varchar(20),
    is_active: 'boolean DEFAULT true',
    is_validated: 'boolean DEFAULT false',
    validation_error: 'text',
    last_validated_at: moment,
    total_requests: 'bigint DEFAULT 0',
    total_tokens: 'bigint DEFAULT 0',
    total_cost_usd: `${price} DEFAULT 0`,
    last_used_at: moment,
    created_ip: varchar(100),
    last_rotated_at: moment,
    ...timestamps,
  },
  llm_routing_rules: {
    id: serial('llm_routing_rules'),
    model_id: 'integer NOT NULL',
    power_level: `${varchar(50)} NOT NULL`,
    user_tier: `${varchar(50)} NOT NULL`,
    task_type: varchar(100),
    priority: 'integer DEFAULT 100',
    weight: 'integer DEFAULT 100',
    min_tokens: 'integer',
    max_tokens: 'integer',
    requires_byok: 'boolean DEFAULT false',
    is_fallback: 'boolean DEFAULT false',
    fallback_order: 'integer',
    is_active: 'boolean DEFAULT true',
    ...timestamps,
  },
  llm_usage_logs: {
    id: "bigint NOT NULL DEFAULT nextval('llm_usage_logs_id_seq'::regclass)",
    user_id: `${varchar(255)} NOT NULL`,
    provider_id: 'integer',
    model_id: 'integer',
    user_key_id: 'integer',
    request_id: varchar(100),
    power_level: varchar(50),
    task_type: varchar(100),
    prompt_tokens: 'integer DEFAULT 0',
    completion_tokens: 'integer DEFAULT 0',
    total_tokens: 'integer DEFAULT 0',
    cached_tokens: 'integer DEFAULT 0',
    cost_input_usd: price,
    cost_output_usd: price,
    cost_total_usd: price,
    used_byok: 'boolean DEFAULT false',
    latency_ms: 'integer',
    tokens_per_second: 'numeric(10,2)',
    status_code: 'integer',
    error_message: 'text',
    was_fallback: 'boolean DEFAULT false',
    fallback_reason: 'text',
    request_ip: varchar(100),
    user_agent: 'text',
    session_id: varchar(255),
    created_at: `${moment} NOT NULL DEFAULT CURRENT_TIMESTAMP`,
  },
};

const constraints = [
  'llm_models: FOREIGN KEY (provider_id) REFERENCES llm_providers(id) ON DELETE CASCADE',
  'llm_models: FOREIGN KEY (replacement_model_id) REFERENCES llm_models(id)',
  'llm_models: PRIMARY KEY (id)',
  'llm_models: UNIQUE (provider_id, model_id)',
  'llm_providers: PRIMARY KEY (id)',
  'llm_providers: UNIQUE (provider_name)',
  'llm_providers: UNIQUE (provider_slug)',
  'llm_routing_rules: FOREIGN KEY (model_id) REFERENCES llm_models(id)',
  'llm_routing_rules: PRIMARY KEY (id)',
  'llm_usage_logs: FOREIGN KEY (model_id) REFERENCES llm_models(id) ON DELETE SET NULL',
  'llm_usage_logs: FOREIGN KEY (provider_id) REFERENCES llm_providers(id) ON DELETE SET NULL',
  'llm_usage_logs: FOREIGN KEY (user_key_id) REFERENCES user_api_keys(id) ON DELETE SET NULL',
  'llm_usage_logs: PRIMARY KEY (id)',
  'llm_usage_logs: UNIQUE (request_id)',
  'user_api_keys: FOREIGN KEY (provider_id) REFERENCES llm_providers(id) ON DELETE CASCADE',
  'user_api_keys: PRIMARY KEY (id)',
  'user_api_keys: UNIQUE (user_id, provider_id)',
];

const indexes: Definitions = {
  idx_llm_providers_active: 'ON public.llm_providers USING btree (is_active)',
  idx_llm_providers_health: 'ON public.llm_providers USING btree (health_status, is_active)',
  idx_llm_providers_slug: 'ON public.llm_providers USING btree (provider_slug)',
};

const baseUrls: Definitions = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta/openai',
  openrouter: 'https://openrouter.ai/api/v1',
  together: 'https://api.together.xyz/v1',
  groq: 'https://api.groq.com/openai/v1',
  fireworks: 'https://api.fireworks.ai/inference/v1',
};

const allRows = async (client: RawClient): Promise<unknown> =>
  client.query('SELECT to_jsonb(llm_providers) AS row FROM llm_providers ORDER BY id');

/** Makes the tables as an older program did: its own trigger, no comments, other rows. */
async function makeFieldDatabase(client: RawClient): Promise<void> {
  await client.exec(create);
  await client.exec(`
    DROP FUNCTION keyward_set_updated_at CASCADE;
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN NEW.updated_at = CURRENT_TIMESTAMP; RETURN NEW; END';`);
  for (const table of ['llm_providers', 'llm_models', 'user_api_keys', 'llm_routing_rules']) {
    await client.exec(`CREATE TRIGGER touch BEFORE UPDATE ON ${table}
      FOR EACH ROW EXECUTE FUNCTION touch()`);
  }
  await client.exec(`
    DELETE FROM llm_providers WHERE provider_slug = 'together';
    UPDATE llm_providers SET base_url = 'https://example.test' WHERE provider_slug = 'openai';
    DO $$ DECLARE described RECORD; BEGIN
      FOR described IN SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I IS NULL', described.table_name, described.column_name);
      END LOOP;
    END $$;
    COMMENT ON COLUMN llm_providers.base_url IS 'as the operator says';`);
}

describeOnUsualEngines('migration 001', (client) => {
  test.each(Object.entries(tables))('makes %s with the columns of the field', async (table, columns) => {
    await client().exec(create);
    expect(Object.entries(columnsOf(await readCatalogue(client()), table))).toEqual(Object.entries(columns));
  });

  test('makes these tables and no others, with their constraints and indexes', async () => {
    await client().exec(create);
    const catalogue = await readCatalogue(client());
    const made = new Set(Object.keys(catalogue.columns).map((name) => name.split('.')[0]));
    expect(made).toEqual(new Set(Object.keys(tables)));
    const found = Object.entries(catalogue.constraints).map(
      ([name, rule]) => `${name.split(' ')[0]}: ${rule}`,
    );
    expect(found.toSorted()).toEqual(constraints);
    expect(catalogue.indexes).toMatchObject(indexes);
    expect(Object.keys(catalogue.indexes).filter((name) => name.startsWith('idx_'))).toEqual(
      Object.keys(indexes),
    );
  });

  test('comments every table and every column', async () => {
    await client().exec(create);
    const { columns, comments } = await readCatalogue(client());
    expect(Object.keys(comments).toSorted()).toEqual(
      [...Object.keys(tables), ...Object.keys(columns)].toSorted(),
    );
  });

  test('seeds the seven providers with address, key format and links', async () => {
    await client().exec(create);
    const rows = await client().query(`
      SELECT provider_slug, base_url, is_active, health_status FROM llm_providers
      WHERE api_key_format IS NOT NULL AND concat(documentation_url, pricing_url, status_page_url) LIKE 'https://%https://%https://%'
      ORDER BY id`);
    expect(rows).toEqual(
      Object.entries(baseUrls).map(([provider_slug, base_url]) => ({
        provider_slug,
        base_url,
        is_active: true,
        health_status: 'unknown',
      })),
    );
  });

  test('keeps updated_at of every table, in UTC whatever the TimeZone of the session', async () => {
    await client().exec(create);
    await client().exec(`
      SET TimeZone = 'Pacific/Kiritimati';
      INSERT INTO llm_models (provider_id, model_name, model_id, display_name) VALUES (1, 'm', 'm', 'm');
      INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key) VALUES ('u', 1, 't');
      INSERT INTO llm_routing_rules (model_id, power_level, user_tier) VALUES (1, 'p', 't')`);
    for (const table of ['llm_providers', 'llm_models', 'user_api_keys', 'llm_routing_rules']) {
      await client().exec(`UPDATE ${table} SET is_active = FALSE`);
      const [row] = await client().query(`
        SELECT '${table}' AS table, bool_and(abs(extract(epoch FROM updated_at AT TIME ZONE 'UTC' - now())) < 60) AS is_utc
        FROM ${table}`);
      expect(row).toEqual({ table, is_utc: true });
    }
  });

  test('changes nothing when it is applied twice, and brings no deleted provider back', async () => {
    await client().exec(create);
    await client().exec("DELETE FROM llm_providers WHERE provider_slug = 'groq'");
    const before = [await readCatalogue(client()), await allRows(client())];
    await client().exec(create);
    expect([await readCatalogue(client()), await allRows(client())]).toEqual(before);
  });

  test('changes nothing in a database of the field, but for comments that it lacks', async () => {
    await makeFieldDatabase(client());
    const { comments: _, ...before } = await readCatalogue(client());
    const rowsBefore = await allRows(client());

    await client().exec(create);

    const { comments, ...after } = await readCatalogue(client());
    expect(after).toEqual(before);
    expect(await allRows(client())).toEqual(rowsBefore);
    expect(comments['llm_providers.base_url']).toBe('as the operator says');
    expect(comments['llm_providers.provider_slug']).toMatch(/^Unique short name/);
  });

  test('refuses an llm_providers of another generation, names what is missing, and changes nothing', async () => {
    await client().exec(
      'CREATE TABLE llm_providers (id UUID PRIMARY KEY, name TEXT, type TEXT, enabled BOOLEAN)',
    );
    const before = await readCatalogue(client());
    await expect(client().exec(create)).rejects.toThrow(/no column .*provider_slug.*is_active/);
    expect(await readCatalogue(client())).toEqual(before);
  });

  test('refuses other tables that lack a column, and names it', async () => {
    await client().exec(create);
    await client().exec('ALTER TABLE user_api_keys DROP COLUMN key_prefix');
    await expect(client().exec(create)).rejects.toThrow(
      'these columns are missing: user_api_keys.key_prefix',
    );
  });

  test('works in the current schema alone, beside one that has the tables already', async () => {
    await client().exec(create);
    await client().exec('CREATE SCHEMA other; SET search_path = other, public');
    await expect(client().exec(create)).rejects.toThrow('outside the current schema other');
    await client().exec('SET search_path = other');
    await client().exec(create);
    expect(Object.keys((await readCatalogue(client())).columns)).toContain('llm_providers.provider_slug');
    await client().exec('RESET search_path; DROP SCHEMA other CASCADE');
  });
});

describeOnUsualEngines('the rollback of migration 001', (client) => {
  test('removes what 001 made, and nothing else, twice in a row', async () => {
    await client().exec('CREATE TABLE audit_logs (id INTEGER)');
    const before = await readCatalogue(client());
    await client().exec(create);
    await client().exec(rollback);
    expect(await readCatalogue(client())).toEqual(before);
    await client().exec(rollback);
    expect(await readCatalogue(client())).toEqual(before);
  });

  test.each([
    [
      'llm_providers',
      "INSERT INTO llm_providers (provider_name, provider_slug, display_name) VALUES ('x', 'x', 'x')",
    ],
    [
      'user_api_keys',
      "INSERT INTO user_api_keys (user_id, provider_id, encrypted_api_key) VALUES ('u', 1, 't')",
    ],
    ['llm_usage_logs', "INSERT INTO llm_usage_logs (user_id) VALUES ('u')"],
  ])('refuses, naming %s, when it would lose rows that 001 did not write', async (table, insert) => {
    await client().exec(create);
    await client().exec(insert);
    const before = [await readCatalogue(client()), await allRows(client())];
    await expect(client().exec(rollback)).rejects.toThrow(`would be lost from: ${table}`);
    expect([await readCatalogue(client()), await allRows(client())]).toEqual(before);
  });

  test('refuses while migration 002 is applied', async () => {
    await client().exec(create);
    await client().exec(migration('002_add_system_api_keys'));
    await expect(client().exec(rollback)).rejects.toThrow('migration 002 is applied');
  });
});
