/**
 * What it means when no whole answer came: one row for each way in which a request fails on its way. All
 * are `unreachable`, for the key was not judged by anybody.
 */
import { codeOf, messageOf } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import type { Classification } from './classify-answer.ts';
import { quotable } from './redact.ts';

export interface TransportFault {
  /** Reported as the code. */
  readonly name: string;
  /** Hits the code of the error, or its name where it has no code. */
  readonly error: RegExp;
  /** Completes "The provider could not be asked: …". */
  readonly reason: string;
  readonly advice: string;
}

/** The limit of Keyward's own, which is told apart from the others by who set it and not by an error. */
const noAnswerInTime = 'timeout';

/** In order: the first that fits explains best. */
export const transportFaults: readonly TransportFault[] = [
  {
    name: noAnswerInTime,
    error: /^(?:ETIMEDOUT|UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT)$/,
    reason: 'it did not answer in time',
    advice: 'Test again later; look at the status page of the provider if it lasts.',
  },
  {
    name: 'address_refused',
    error: /^AddressRefusedError$/,
    reason: 'its name leads to where no key is sent',
    advice: 'Check the host in the base URL and who answers for its name. The key was not sent.',
  },
  {
    name: 'dns_fault',
    error: /^(?:ENOTFOUND|EAI_[A-Z]+)$/,
    reason: 'its name leads to no address',
    advice: 'Check the host in the base URL, and the name servers of this server.',
  },
  {
    name: 'connection_refused',
    error: /^ECONNREFUSED$/,
    reason: 'nobody listens there',
    advice: 'Check the host and the port in the base URL, then test again.',
  },
  {
    name: 'no_route',
    error: /^(?:EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL|EACCES|EPERM)$/,
    reason: 'no way leads there from this server',
    advice: 'Check the network and the firewall of this server, then test again.',
  },
  {
    name: 'tls_fault',
    error: /^(?:ERR_SSL_.*|ERR_TLS_.*|EPROTO|CERT_.*|.*_CERT|.*_CERT_.*|UNABLE_TO_.*|HOSTNAME_MISMATCH)$/,
    reason: 'no trusted TLS connection came about',
    advice:
      'Check that the base URL is right and that no proxy on the way answers with a certificate of its own.',
  },
  {
    name: 'not_http',
    error: /^(?:HPE_.*|HTTPParserError|UND_ERR_HEADERS_OVERFLOW)$/,
    reason: 'what answered does not speak HTTP',
    advice: 'Check the host and the port in the base URL.',
  },
  {
    name: 'connection_broken',
    error: /^(?:ECONNRESET|ECONNABORTED|EPIPE|UND_ERR_SOCKET|UND_ERR_RES_CONTENT_LENGTH_MISMATCH)$/,
    reason: 'the connection broke off before the answer was whole',
    advice: 'Test again; look at what stands between this server and the provider if it lasts.',
  },
  {
    name: 'not_sendable',
    error: /^(?:UND_ERR_INVALID_ARG|ERR_INVALID_URL|ERR_INVALID_CHAR)$/,
    reason: 'the base URL or the key does not fit into a request',
    advice: 'Check the base URL, and set the key again.',
  },
];

const anyOther: Omit<TransportFault, 'error'> = {
  name: 'request_failed',
  reason: 'the request failed',
  advice: 'Check the base URL and the network, then test again.',
};

/** Longer explanations of libraries are cut. */
const longestDetail = 200;

/**
 * @param error what the HTTP client threw
 * @param key the tested one, which must not stand in the message
 */
export function classifyFault(error: unknown, key: Secret): Classification {
  const code = codeOf(error) || (error instanceof Error ? error.name : '');
  const fault = transportFaults.find((fault) => fault.error.test(code)) ?? anyOther;
  return unreachable(fault, detailOf(error, code, key));
}

/** When the answer was not whole within the limit of the test. */
export function classifyTimeout(timeoutMs: number): Classification {
  const fault = transportFaults.find(({ name }) => name === noAnswerInTime) ?? anyOther;
  return unreachable({ ...fault, reason: `no answer within ${timeoutMs / 1000} s` });
}

function unreachable(fault: Omit<TransportFault, 'error'>, detail = ''): Classification {
  return {
    verdict: 'unreachable',
    message: `The provider could not be asked: ${fault.reason}${detail === '' ? '' : ` (${detail})`}.`,
    advice: fault.advice,
    code: fault.name,
  };
}

/** The system's own words where they say more than its code: those of OpenSSL do not. */
function detailOf(error: unknown, code: string, key: Secret): string {
  const words = quotable(messageOf(error), [key], longestDetail);
  return words.includes(code) || !/^[A-Z][A-Z_/]+$/.test(code) ? words : code;
}
