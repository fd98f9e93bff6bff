/** One call at a time, from sending to its end: what has come of it so far, and how long that took. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { streamChat, type Served } from '../../api/gateway.ts';

export interface Chat {
  readonly state: 'idle' | 'waiting' | 'answering' | 'answered' | 'stopped' | 'failed';
  readonly text: string;
  readonly served: Served | null;
  /** From sending to the first piece of text, in milliseconds. */
  readonly firstMs: number | null;
  /** From sending to the end, in milliseconds. */
  readonly totalMs: number | null;
  readonly error: unknown;
}

interface ToSend {
  readonly token: string;
  readonly model: string;
  readonly message: string;
}

const nothing: Chat = {
  state: 'idle',
  text: '',
  served: null,
  firstMs: null,
  totalMs: null,
  error: null,
};

/** What is under way ends with the view. */
export function useChat(): {
  readonly chat: Chat;
  readonly send: (call: ToSend) => Promise<void>;
  readonly stop: () => void;
} {
  const [chat, setChat] = useState(nothing);
  const running = useRef<AbortController>(null);
  const stop = useCallback(() => running.current?.abort(), []);
  useEffect(() => stop, [stop]);
  const send = async (call: ToSend): Promise<void> => {
    stop();
    const controller = new AbortController();
    const { signal } = controller;
    running.current = controller;
    const began = performance.now();
    const soFar = (): number => performance.now() - began;
    const tell = (change: (before: Chat) => Partial<Chat>): void => {
      // Another call has begun: it is told of that one.
      if (running.current === controller) setChat((before) => ({ ...before, ...change(before) }));
    };
    setChat({ ...nothing, state: 'waiting' });
    try {
      await streamChat({
        ...call,
        signal,
        onServed: (served) => tell(() => ({ served })),
        onText: (piece) => {
          const atMs = soFar();
          tell(({ text, firstMs }) => ({
            state: 'answering',
            text: text + piece,
            firstMs: firstMs ?? atMs,
          }));
        },
      });
      tell(() => ({ state: 'answered', totalMs: soFar() }));
    } catch (error) {
      tell(() => ({
        ...(signal.aborted ? { state: 'stopped' } : { state: 'failed', error }),
        totalMs: soFar(),
      }));
    }
  };
  return { chat, send, stop };
}
