/**
 * Programs that read and write llm_providers without end, each on a connection of its own, and how long each
 * of their statements took: what a migration costs them is in there.
 */
import pg from 'pg';

const readers = 4;
const writers = 2;
/** Between two statements of one program: the machine is not to be measured at its limit. */
const pauseMs = 2;

export interface Waits {
  readonly count: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

export interface Traffic {
  readonly reads: Waits;
  readonly writes: Waits;
}

type Statement = (client: pg.Client, id: number) => Promise<unknown>;

const read: Statement = async (client, id) =>
  client.query('SELECT provider_slug, is_active, base_url FROM llm_providers WHERE id = $1', [id]);

const write: Statement = async (client, id) =>
  client.query('UPDATE llm_providers SET health_response_time_ms = $2 WHERE id = $1', [id, id % 1000]);

export class TableTraffic {
  readonly #clients: readonly pg.Client[];
  readonly #rows: number;

  private constructor(clients: readonly pg.Client[], rows: number) {
    this.#clients = clients;
    this.#rows = rows;
  }

  static async connect(url: string, rows: number): Promise<TableTraffic> {
    const clients = Array.from(
      { length: readers + writers },
      () => new pg.Client({ connectionString: url, application_name: 'traffic' }),
    );
    await Promise.all(clients.map(async (client) => client.connect()));
    return new TableTraffic(clients, rows);
  }

  /** Lets the programs work while something happens. */
  async during(event: () => Promise<unknown>): Promise<Traffic> {
    const end = new AbortController();
    const times = this.#clients.map(async (client, index) =>
      this.#work(client, index < readers ? read : write, end.signal),
    );
    try {
      await event();
    } finally {
      end.abort();
    }
    const all = await Promise.all(times);
    return { reads: waitsOf(all.slice(0, readers).flat()), writes: waitsOf(all.slice(readers).flat()) };
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map(async (client) => client.end()));
  }

  async #work(client: pg.Client, statement: Statement, end: AbortSignal): Promise<number[]> {
    const times: number[] = [];
    while (!end.aborted) {
      const startedAt = performance.now();
      await statement(client, 1 + Math.floor(Math.random() * this.#rows));
      times.push(performance.now() - startedAt);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return times;
  }
}

function waitsOf(times: readonly number[]): Waits {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, medianMs: at(0.5), p99Ms: at(0.99), longestMs: at(1) };
}
