/** Health by bare Node, for the time in which the admin API, which answers it otherwise, is not there yet. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readyReport, type HealthParts } from './health.ts';

/** @returns false where something else was asked */
export function answerLive({ method, url }: IncomingMessage, response: ServerResponse): boolean {
  if (method !== 'GET' || url !== '/health/live') return false;
  answer(response, 200, { status: 'live' });
  return true;
}

/** @returns false where something else was asked */
export function answerReady(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  parts: HealthParts,
): boolean {
  if (method !== 'GET' || url !== '/health/ready') return false;
  const { httpStatus, report } = readyReport(parts);
  answer(response, httpStatus, report);
  return true;
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
