/** How long to wait before something can be asked for again, in seconds that go down. */
import { useEffect, useState } from 'react';

/** @param until in milliseconds since 1970 */
export function Countdown({ until }: { readonly until: number }) {
  const [atFirst] = useState(() => secondsUntil(until));
  const [seconds, setSeconds] = useState(atFirst);
  useEffect(() => {
    const look = (): void => setSeconds(secondsUntil(until));
    look();
    const clock = setInterval(look, 250);
    return () => clearInterval(clock);
  }, [until]);
  return (
    <>
      {/* Read out once: numbers that go down would be read out each second. */}
      <span className="unseen">Wait {inSeconds(atFirst)}.</span>
      <span aria-hidden>
        {seconds > 0 ? `It can be tried again in ${inSeconds(seconds)}.` : 'It can be tried again now.'}
      </span>
    </>
  );
}

function secondsUntil(until: number): number {
  return Math.max(0, Math.ceil((until - Date.now()) / 1_000));
}

function inSeconds(count: number): string {
  return count === 1 ? 'one second' : `${count} seconds`;
}
