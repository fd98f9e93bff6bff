/** The search of lists: a part of what people see of a row, in any case; no pattern, so no character is special. */
import { sql, type RawBuilder } from 'kysely';

/** Whether the text stands in one of the columns, or across them as they are shown side by side. */
export function holdsText(text: string, ...columns: readonly string[]): RawBuilder<boolean> {
  const shown = sql.join(columns.map((column) => sql.ref(column)));
  return sql<boolean>`position(lower(${text}) IN lower(concat_ws(' ', ${shown}))) > 0`;
}
