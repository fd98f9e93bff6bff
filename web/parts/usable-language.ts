/**
 * A browser that is started under the locale "C" calls its language en-US@posix, with which nothing can be written.
 * The charts' library asks for that language as it is loaded, so this comes before it.
 */
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
}
