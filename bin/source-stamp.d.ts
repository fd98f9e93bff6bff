export function sourceStamp(root: URL): string;
export function bundleStamp(directory: URL): string;
