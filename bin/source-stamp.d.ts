export function sourceStamp(root: URL): string;
