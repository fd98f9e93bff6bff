/** Where a rotation stands, as the line of its stages. */
import { Check, X } from 'lucide-react';
import { type Standing, stageNames, stages } from './stages.ts';
import classes from './stepper.module.css';

export function Stepper({ standing: { stage, state } }: { readonly standing: Standing }) {
  const here = stages.indexOf(stage);
  return (
    <div className={classes['room']}>
      <ol className={classes['stages']} aria-label="Stages of the rotation">
        {stages.map((one, index) => {
          const isHere = index === here && state !== 'done';
          const mark =
            index < here || (index === here && state === 'done') ? 'done' : isHere ? state : 'to come';
          return (
            <li
              key={one}
              className={classes['stage']}
              data-mark={mark}
              aria-current={mark === 'open' ? 'step' : undefined}
            >
              <span className={classes['dot']} aria-hidden>
                {mark === 'done' ? (
                  <Check size="0.875rem" />
                ) : mark === 'stopped' ? (
                  <X size="0.875rem" />
                ) : (
                  index + 1
                )}
              </span>
              <span className={classes['name']}>
                {stageNames[one]}
                <span className={classes['unseen']}>{`: ${mark === 'open' ? 'here now' : mark}`}</span>
              </span>
            </li>
          );
        })}
      </ol>
    </div>
  );
}
