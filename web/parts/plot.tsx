/** A chart on a canvas, as wide as there is room, in the colours of the theme. Only what is read later may import it. */
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react';
import type UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import classes from './plot.module.css';

interface Drawing {
  /** The same for as long as the same is to be seen. @param width in CSS pixels */
  readonly draw: (target: HTMLElement, width: number) => UPlot;
}

export function Plot({
  label,
  height,
  draw,
}: Drawing & {
  /** What is seen in it, and where the same is to be read. */
  readonly label: string;
  /** In CSS pixels. */
  readonly height: number;
}) {
  const scheme = useComputedColorScheme();
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  return (
    <div ref={frame} className={classes['plot']} style={{ height }} role="img" aria-label={label}>
      {width > 0 && <Canvas key={`${scheme} ${width}`} width={width} draw={draw} />}
    </div>
  );
}

/** Known before the first picture is painted, also in a tab that nobody looks at, where no frame comes. */
function useWidth(frame: RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const node = frame.current;
    if (node === null) return undefined;
    const measure = (): void => setWidth(node.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(node);
    return () => observer.disconnect();
  }, [frame]);
  return width;
}

/** Drawn anew with other colours or another width: its key says so. */
function Canvas({ width, draw }: Drawing & { readonly width: number }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current === null) return undefined;
    const chart = draw(place.current, width);
    return () => chart.destroy();
  }, [width, draw]);
  return <div ref={place} />;
}

export function axisOn(target: HTMLElement): UPlot.Axis {
  const line = inkOn(target, 'line');
  return {
    stroke: inkOn(target, 'quiet'),
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
    font: '12px system-ui, sans-serif',
  };
}

/**
 * What a colour of styles.css comes to here: a canvas knows no light-dark(), so the browser is asked.
 * @param name as in `--keyward-good`
 */
export function inkOn(target: HTMLElement, name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--keyward-${name})`;
  target.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
