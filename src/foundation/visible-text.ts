/** What may stand in a name, and how what others said is shown. */

/**
 * A text that a list, a log and a terminal take as it is: no control characters, no halves of characters, and none
 * that turn the direction of text, which would have it read as another.
 */
export const plainLine = /^[^\p{Cc}\p{Cs}\p{Bidi_Control}]*$/u;

/** Makes it harmless to show: it may neither begin a new line nor steer the terminal, nor turn its direction. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
