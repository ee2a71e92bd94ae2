// Work on the file in the background, in turns with pauses between them, until there is nothing
// left to do or a stop.

import { setTimeout as sleep } from 'node:timers/promises';

export class BackgroundWork {
  private readonly stopping = new AbortController();
  private wanted = false;
  private running: Promise<void> | null = null;

  /** `turn` does some of it; gives how long to pause before the next turn, in ms; null: nothing is left. */
  constructor(private readonly turn: () => Promise<number | null>) {}

  get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Does what there is to do, unless it is at it: then it looks again afterwards. */
  start(): void {
    this.wanted = true;
    if (this.stopped) return;
    this.running ??= this.run().finally(() => {
      this.running = null;
      if (this.wanted) this.start();
    });
  }

  /** Ends pauses; returns when the turn at hand is over. What is left is done after the next start of the service. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Leaves the file to others for a while, or until a stop. */
  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { ref: false, signal: this.stopping.signal }).catch(() => undefined);
  }

  private async run(): Promise<void> {
    while (this.wanted && !this.stopped) {
      this.wanted = false;
      const pause = await this.turn();
      if (pause === null) continue;
      this.wanted = true;
      await this.pause(pause);
    }
  }
}
