/**
 * After how many waiting bytes a connection is read no further, or written no further. A read brings up to 64 KiB at once,
 * so these bound what comes on top of one read: Node's own mark of 64 KiB lets a stream whose reader has stopped hold
 * three reads, and, of small events, each with its bookkeeping, as much again.
 */

/** Of callers' connections, in both directions. */
export const callerHighWaterMark: number = 8 * 1024;

/** Of providers' connections. */
export const providerHighWaterMark: number = 4 * 1024;
