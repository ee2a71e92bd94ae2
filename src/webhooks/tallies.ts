// Counts of tries by what came of them, for so many organizations at most; the rest are counted together.

const ORGANIZATIONS_MAX = 100;

/** `retried`: it failed and will be tried again. */
export type Tally = 'delivered' | 'retried' | 'failed';

export class Tallies {
  /** Null: those of organizations that came after so many others. */
  readonly byOrganization = new Map<string | null, Record<Tally, number>>();

  count(organizationId: string, tally: Tally): void {
    const full = this.byOrganization.size >= ORGANIZATIONS_MAX && !this.byOrganization.has(organizationId);
    const key = full ? null : organizationId;
    const counts = this.byOrganization.get(key) ?? { delivered: 0, retried: 0, failed: 0 };
    counts[tally] += 1;
    this.byOrganization.set(key, counts);
  }
}
