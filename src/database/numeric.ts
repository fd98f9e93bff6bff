/** A value of the type NUMERIC, which comes as text, as a number: for amounts that are shown and compared, not for books. */
export function numericIn(text: string | null): number | null {
  return text === null ? null : Number(text);
}
