// How many exchanges run at a time in all: free slots go round the organizations in turn. Endpoints
// that failed last share half of them, so that what hangs on receivers that are gone leaves room.

/** How many exchanges run at a time, in all and for one organization. */
export const SLOTS = 512;
export const SLOTS_PER_ORGANIZATION = 128;

interface Waiting {
  organizationId: string;
  suspect: boolean;
  start: () => void;
}

export class Slots {
  private used = 0;
  private suspects = 0;
  private readonly usedBy = new Map<string, number>();
  /** Who waits, by organization, the one whose turn is next first. */
  private readonly queues = new Map<string, Waiting[]>();

  constructor(
    private readonly total = SLOTS,
    private readonly perOrganization = SLOTS_PER_ORGANIZATION,
  ) {}

  /** Runs `work` once there is a slot for the organization. */
  async use<Result>(organizationId: string, suspect: boolean, work: () => Promise<Result>): Promise<Result> {
    // Where nobody waits, nobody is overtaken.
    if (this.queues.size === 0 && this.isFree(organizationId, suspect)) this.count(organizationId, suspect, 1);
    else await this.granted(organizationId, suspect);
    try {
      return await work();
    } finally {
      this.count(organizationId, suspect, -1);
      this.grant();
    }
  }

  private granted(organizationId: string, suspect: boolean): Promise<void> {
    return new Promise<void>((start) => {
      const queue = this.queues.get(organizationId) ?? [];
      this.queues.set(organizationId, queue);
      queue.push({ organizationId, suspect, start });
      this.grant();
    });
  }

  private isFree(organizationId: string, suspect: boolean): boolean {
    const used = this.usedBy.get(organizationId) ?? 0;
    return this.used < this.total && used < this.perOrganization && (!suspect || this.suspects < this.total / 2);
  }

  private grant(): void {
    while (this.used < this.total) {
      const next = this.next();
      if (next === undefined) return;
      this.count(next.organizationId, next.suspect, 1);
      next.start();
    }
  }

  /** The first that may start, its organization put at the end of the line. */
  private next(): Waiting | undefined {
    for (const [organizationId, queue] of this.queues) {
      if ((this.usedBy.get(organizationId) ?? 0) >= this.perOrganization) continue;
      const index = queue.findIndex(({ suspect }) => !suspect || this.suspects < this.total / 2);
      if (index === -1) continue;
      const [next] = queue.splice(index, 1);
      this.queues.delete(organizationId);
      if (queue.length > 0) this.queues.set(organizationId, queue);
      return next;
    }
    return undefined;
  }

  private count(organizationId: string, suspect: boolean, step: 1 | -1): void {
    this.used += step;
    if (suspect) this.suspects += step;
    const used = (this.usedBy.get(organizationId) ?? 0) + step;
    if (used === 0) this.usedBy.delete(organizationId);
    else this.usedBy.set(organizationId, used);
  }
}
