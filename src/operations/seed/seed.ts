// Fills an organization with companies and contacts that look real, by the events that creating
// them would have made. The same seed gives the same ids, so that running again goes on where it was.

import { z } from 'zod';
import type { NewAppend } from '../../ports/eventStore.js';
import type { AppendsAhead } from '../../ports/readyAppends.js';
import type { Host, Operation, Report } from '../operation.js';
import { appendsOf, SeedMaker, type SeedGroup, type SeedPlan } from './maker.js';

/** How many contacts are written at a time: the more the faster, but requests must get their turn between. */
const GROUP = { alone: 5_000, besideRequests: 250 };

const paramsSchema = z.object({
  organizationId: z.string().min(1).max(200),
  contacts: z.int().positive().max(100_000_000),
  seed: z.int().nonnegative(),
});

const resultSchema = z.object({
  /** How many were made now, and how many contacts of this seed were there before. */
  contacts: z.number(),
  companies: z.number(),
  before: z.number(),
});

type SeedParams = z.infer<typeof paramsSchema>;
type SeedResult = z.infer<typeof resultSchema>;

/** What a thread is told that makes the groups of a plan from contact number `from` on, `size` at a time. */
export interface SeedOrders {
  plan: SeedPlan;
  from: number;
  size: number;
}

export const seedOperation: Operation<SeedParams, SeedResult> = {
  name: 'seed',
  params: paramsSchema,
  result: resultSchema,
  fills: true,
  run: seed,
};

function seed(host: Host, params: SeedParams, report: Report, signal: AbortSignal): Promise<SeedResult> {
  return new Seeding(host, { ...params, occurredAt: host.clock.now().toISOString() }, report, signal).run();
}

/** A run of it. */
class Seeding {
  private readonly maker: SeedMaker;
  private readonly made = { contacts: 0, companies: 0 };
  /** The number of the contact that is looked at next. */
  private done = 0;
  /** Up to which contact something may be there already. */
  private doubtful = 0;

  constructor(
    private readonly host: Host,
    private readonly plan: SeedPlan,
    private readonly report: Report,
    private readonly signal: AbortSignal,
  ) {
    this.maker = new SeedMaker(plan);
  }

  async run(): Promise<SeedResult> {
    const { contacts } = this.plan;
    const before = await firstMissing(contacts, async (n) => !(await this.isMissing(this.maker.contactStream(n))));
    // The group that was being written when an earlier run was ended may be there in part, or its keys alone.
    this.done = Math.max(0, before - GROUP.alone);
    this.doubtful = before;
    await this.writeMissing(before + GROUP.alone);
    await this.writeReady();
    await this.writeMissing(contacts);
    return { ...this.made, before: contacts - this.made.contacts };
  }

  /** Writes what is missing, up to contact number `to` or some beyond. */
  private async writeMissing(to: number): Promise<void> {
    const { host } = this;
    if (this.done >= to) return;
    this.tell();
    for (const group of this.maker.groups(this.done, host.alone ? GROUP.alone : GROUP.besideRequests)) {
      this.signal.throwIfAborted();
      const missing = this.done < this.doubtful ? await this.missingOf(group) : group;
      await host.events.commitMany(appendsOf(missing));
      this.wrote(group.contacts.length, missing);
      if (this.done >= to) return;
    }
  }

  /** Writes what a thread makes ready, where the platform can, as far as nothing of it is there. */
  private async writeReady(): Promise<void> {
    const { plan, done: from, host } = this;
    if (!host.alone || host.platform.makeAppends === null || from >= plan.contacts) return;
    const ahead = host.platform.makeAppends({ plan, from, size: GROUP.alone } satisfies SeedOrders);
    try {
      await this.writeAhead(ahead);
    } finally {
      await ahead.close();
    }
  }

  private async writeAhead(ahead: AppendsAhead): Promise<void> {
    for (;;) {
      this.signal.throwIfAborted();
      const ready = await ahead.next();
      if (ready === null) return;
      if (!(await ready.write())) return void (this.doubtful = this.plan.contacts);
      const contacts = Math.min(GROUP.alone, this.plan.contacts - this.done);
      this.wrote(contacts, { contacts: { length: contacts }, companies: { length: ready.count - contacts } });
    }
  }

  /** The appends of a group whose streams do not exist. */
  private async missingOf({ contacts, companies }: SeedGroup): Promise<SeedGroup> {
    const missing = async (appends: NewAppend[]) => {
      const areMissing = await Promise.all(appends.map(({ stream }) => this.isMissing(stream)));
      return appends.filter((_, index) => areMissing[index]);
    };
    return { contacts: await missing(contacts), companies: await missing(companies) };
  }

  private async isMissing(stream: string): Promise<boolean> {
    return (await this.host.platform.log.last(stream)) === null;
  }

  /** That everything about the next `count` contacts is written, `made` of it now. */
  private wrote(count: number, { contacts, companies }: Record<keyof SeedGroup, { length: number }>): void {
    this.done += count;
    this.made.contacts += contacts.length;
    this.made.companies += companies.length;
    this.tell();
  }

  private tell(): void {
    this.report({ done: this.done, total: this.plan.contacts, unit: 'contacts' });
  }
}

/** The smallest number below `count` of which `has` is false, when it is true of all before; `count` when there is none. */
async function firstMissing(count: number, has: (n: number) => Promise<boolean>): Promise<number> {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await has(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
