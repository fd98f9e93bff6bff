/** What is posted is signed as every library of Standard Webhooks verifies it. */
import { describe, expect, it } from 'vitest';
import { signatureHeaders } from '../../src/crypto/webhook-signature.ts';
import { Secret } from '../../src/foundation/secret.ts';

// The example of the reference libraries of Standard Webhooks.
const example = {
  secret: new Secret(['whsec', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'].join('_')),
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  at: new Date(1_614_265_330_000),
  body: '{"test": 2432232314}',
};

describe('the signature', () => {
  it('is the one that the libraries of Standard Webhooks make', () => {
    expect(signatureHeaders(example.secret, example)).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('is the same for a secret without its prefix', () => {
    const bare = new Secret(example.secret.reveal().replace('whsec_', ''));
    expect(signatureHeaders(bare, example)).toEqual(signatureHeaders(example.secret, example));
  });
});
