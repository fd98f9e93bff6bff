/**
 * `keyward keys rotate`: a whole rotation with its progress, from the new key to the soak. A rotation that is
 * open goes on where it stands, so the command can be called again at any time; with another key it refuses.
 */
import type { Occasion } from '../audit/audit-event.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { KeyActParts } from '../keys/key-acts.ts';
import { listLiveInstances } from '../keys/instances.ts';
import { findProvider as findListed } from '../keys/list-providers.ts';
import { whatSpreadWaitsFor } from '../keys/rotation/advance-rotation.ts';
import { promoteKey, retireOldKey, startCanary } from '../keys/rotation/rotation-acts.ts';
import { findRotation, type Rotation } from '../keys/rotation/rotation-store.ts';
import { modelToSpendOn, testRotation } from '../keys/rotation/test-rotation.ts';
import { viewRotation, type RotationView } from '../keys/rotation/view-rotation.ts';
import type { Installation } from '../installation.ts';
import { beginRotation } from './begin-rotation.ts';
import {
  refuseKeyToMint,
  rotationParts,
  sentenceOf,
  trafficLines,
  type RotationOptions,
} from './keys-rotation.ts';
import { print, printJson, progressLine, remark } from './terminal.ts';
import { reasonedOccasion, describeApplied, findProvider, withInstallation } from './with-installation.ts';

export interface RotateOptions extends RotationOptions {
  /** How many calls the new key must have answered before it is promoted. */
  readonly calls?: number;
  /** How long to wait for these calls, in seconds. */
  readonly wait?: number;
  /** Also wait for the end of the soak, and retire the old key. */
  readonly retire?: true;
}

const defaultCalls = 20;
const defaultWaitSeconds = 600;
const askMs = 250;
/** How often the provider is asked whether it knows the key that it made: soon at first. */
const firstTestMs = 250;
const longestTestMs = 5_000;

/** @returns the exit code: 0 the new key serves, 1 it does not, and what stands in the way was said */
export async function rotateKey(slug: string, options: RotateOptions): Promise<number> {
  refuseKeyToMint(options);
  return withInstallation(async (installation) => {
    await findProvider(installation, slug);
    const run = new Run(installation, slug, options);
    const arrived = await run.toEnd().catch((error: unknown) => {
      if (!(error instanceof KeywardError) || error.status >= 500) throw error;
      remark(error.message);
      return false;
    });
    const view = await run.view();
    if (options.json) printJson(view);
    else if (view !== null) {
      print(sentenceOf(view));
      for (const line of trafficLines(view)) print(line);
      if (arrived && view.is_open && !options.automatic) {
        const fallback =
          view.no_way_back === null ? 'The old key stands by' : `No key stands by: ${view.no_way_back}`;
        print(`${fallback}. When the soak is over: keyward keys rotation retire ${slug}`);
      } else if (!arrived && view.is_open) remark(waysOn(view));
    }
    return arrived ? 0 : 1;
  });
}

function waysOn({ provider: slug, step }: RotationView): string {
  return step === 'soaking'
    ? `The rotation stays open. End its soak: keyward keys rotation retire ${slug}. Go back: keyward keys rotation rollback ${slug}`
    : `The rotation stays open. Go on: keyward keys rotate ${slug}. Give the new key up: keyward keys rotation cancel ${slug}`;
}

class Run {
  readonly #installation: Installation;
  readonly #parts: KeyActParts;
  readonly #slug: string;
  readonly #options: RotateOptions;

  constructor(installation: Installation, slug: string, options: RotateOptions) {
    this.#installation = installation;
    this.#parts = rotationParts(installation);
    this.#slug = slug;
    this.#options = options;
  }

  /** @returns whether the new key serves */
  async toEnd(): Promise<boolean> {
    const { percent, force, retire } = this.#options;
    await this.#requireModel();
    const occasion = await reasonedOccasion(this.#installation, this.#options.reason);
    const rotation = await beginRotation(
      {
        parts: this.#parts,
        occasion,
        slug: this.#slug,
        options: this.#options,
        say: (progress) => this.#say(progress),
      },
      await this.#open(),
    );
    if (rotation === null) return false;
    if (this.#options.automatic) return this.#leaveToServers();
    if (rotation.step === 'staged' || rotation.step === 'tested') {
      if (!(await this.#untilAccepted(occasion, rotation)) && !force) return false;
      const { revision } = await startCanary(this.#parts, occasion, this.#slug, {
        id: rotation.id,
        force,
        percent,
      });
      this.#say(`canary: ${percent ?? 5} percent. ${await describeApplied(this.#installation, revision)}`);
    }
    if ((await this.#open())?.step === 'canary') {
      // Of one that was open already.
      if (rotation.step === 'canary' && percent !== undefined) {
        await startCanary(this.#parts, occasion, this.#slug, { id: rotation.id, percent });
        this.#say(`canary: ${percent} percent from now on`);
      }
      // One that was open already may not have been proven so.
      if (rotation.step === 'canary' && this.#options.spend) {
        const { isAccepted, said } = await this.#ask(occasion, rotation);
        this.#say(said);
        if (!isAccepted && !force) return false;
      }
      if (!(await this.#untilCallsAreServed(rotation.id))) return false;
      const { revision } = await promoteKey(this.#parts, occasion, this.#slug, { id: rotation.id, force });
      this.#say(`promoted. ${await describeApplied(this.#installation, revision)}`);
    }
    if (retire) await this.#retireWhenSoaked(rotation.id);
    const { step } = (await this.#last()) ?? {};
    return step === 'soaking' || step === 'completed';
  }

  /** The clock of a server takes the steps that follow. */
  async #leaveToServers(): Promise<boolean> {
    const live = await listLiveInstances(this.#parts.database.kysely);
    this.#say(
      live.length === 0
        ? 'goes on by itself once a server runs; none does now'
        : `goes on by itself. See how far it is: keyward keys rotation show ${this.#slug}`,
    );
    return true;
  }

  /** Before a key is staged that could not be proven. */
  async #requireModel(): Promise<void> {
    const { spend, model } = this.#options;
    const { kysely } = this.#parts.database;
    const row = await findListed(kysely, this.#slug);
    if (spend && model === undefined && row !== undefined) await modelToSpendOn(kysely, row);
  }

  async view(): Promise<RotationView | null> {
    const rotation = await this.#last();
    return rotation === undefined ? null : viewRotation(this.#parts, this.#slug, rotation);
  }

  /** A key that the provider has just made may take its time to be known there; one that a person brings has had it. */
  async #untilAccepted(occasion: Occasion, rotation: Rotation): Promise<boolean> {
    const { wait = defaultWaitSeconds } = this.#options;
    const until = performance.now() + (rotation.newKey.origin === 'minted' ? wait * 1_000 : 0);
    const progress = progressLine();
    try {
      for (let pauseMs = firstTestMs; ; pauseMs = Math.min(2 * pauseMs, longestTestMs)) {
        const { isAccepted, said } = await this.#ask(occasion, rotation);
        if (isAccepted || performance.now() + pauseMs > until) {
          progress.end();
          this.#say(said);
          return isAccepted;
        }
        progress.show(said);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    } finally {
      progress.end();
    }
  }

  async #ask(occasion: Occasion, rotation: Rotation): Promise<{ isAccepted: boolean; said: string }> {
    const { spend, model } = this.#options;
    const row = await findListed(this.#parts.database.kysely, this.#slug);
    const lack = row && (await whatSpreadWaitsFor(this.#parts, row, rotation));
    if (lack) return { isAccepted: false, said: lack };
    const { result } = await testRotation(this.#parts, occasion, this.#slug, rotation.id, { spend, model });
    const { verdict, message } = result;
    return { isAccepted: verdict === 'valid', said: `tested: ${verdict}. ${message}` };
  }

  /** With a call that spent a token, or by force, nobody need wait for callers. */
  async #untilCallsAreServed(id: string): Promise<boolean> {
    const { calls, wait = defaultWaitSeconds, spend, force } = this.#options;
    const wanted = calls ?? (spend || force ? 0 : defaultCalls);
    const until = performance.now() + wait * 1_000;
    const progress = progressLine();
    try {
      for (;;) {
        const view = await this.view();
        const good = (view?.traffic.new.calls ?? 0) - (view?.traffic.new.errors ?? 0);
        if (view?.id !== id || view.step !== 'canary') return false;
        const lack = force || view.next.includes('promote') ? null : view.explanation;
        if (good >= wanted && lack === null) return true;
        if (performance.now() > until) {
          progress.end();
          remark(
            good < wanted
              ? `Only ${good} of ${wanted} calls were answered with the new key within ${wait} s. It goes on being tried; call this again, ask for fewer with --calls, or prove it with --spend.`
              : `Nothing was switched within ${wait} s. ${lack ?? ''} It goes on being tried; call this again, or see: keyward keys rotation show ${this.#slug}`,
          );
          return false;
        }
        progress.show(`${good} of ${wanted} calls answered with the new key. ${lack ?? ''}`);
        await new Promise((resolve) => setTimeout(resolve, askMs));
      }
    } finally {
      progress.end();
    }
  }

  async #retireWhenSoaked(id: string): Promise<void> {
    for (;;) {
      const rotation = await this.#last();
      if (rotation?.id !== id || rotation.step !== 'soaking') return;
      if (rotation.soakIsOver) break;
      await new Promise((resolve) => setTimeout(resolve, askMs));
    }
    const { revision } = await retireOldKey(
      this.#parts,
      await reasonedOccasion(this.#installation, this.#options.reason),
      this.#slug,
      {
        id,
      },
    );
    this.#say(`retired the old key. ${await describeApplied(this.#installation, revision)}`);
  }

  async #open(): Promise<Rotation | undefined> {
    return this.#find('open');
  }

  async #last(): Promise<Rotation | undefined> {
    return this.#find('last');
  }

  async #find(which: 'open' | 'last'): Promise<Rotation | undefined> {
    const { kysely } = this.#parts.database;
    const row = await findListed(kysely, this.#slug);
    return row === undefined ? undefined : findRotation(kysely, row.id, which);
  }

  #say(progress: string): void {
    remark(`${this.#slug}: ${progress}`);
  }
}
