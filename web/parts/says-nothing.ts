/** Whether a filter of an address leaves everything in: what does not fit is named in it, and undefined. */
export function saysNothing(filter: object): boolean {
  return Object.values(filter).every((value) => value === undefined);
}
