// Projects what is appended within the very transaction that appends it: read models show an event
// as soon as it is stored, and an event that they could not show is not stored.

import { UnavailableError } from '../../ports/errors.js';
import type { Position, StoredEvent } from '../../ports/eventLog.js';
import { recordedAs, type NewEvent, type RecordedEvent } from '../../ports/eventStore.js';
import type { Change, DocumentSubject, Projection, Versioned } from '../../ports/projection.js';
import type { Generation } from '../../ports/readStore.js';
import { recordSpan, type callerTrace } from '../../ports/tracing.js';
import type { SqliteDocuments } from './documents.js';
import type { SqliteGenerations } from './generations.js';
import type { Participant } from './groupCommit.js';
import type { ReadyDocuments } from './madeAppends.js';
import type { SqliteProjectionStore } from './projectionStore.js';

/** What events make of a projection's documents; `load` gives what stands for a subject. */
export type ChangesOf = (
  projection: Projection,
  events: readonly RecordedEvent[],
  load: (subject: DocumentSubject) => Versioned | null,
) => Change[];

type Caller = ReturnType<typeof callerTrace>;

export class InlineProjector implements Participant {
  /** Where the log stood before the running group, and where it stands; null: the group has appended nothing yet. */
  private span: { from: Position | null; to: Position } | null = null;
  /** What the running group makes of documents, by projection and subject: one change each. */
  private readonly pending = new Map<Projection, Map<string, Change>>();
  /** What the running group makes of documents that was made ready. */
  private ready: ReadyDocuments[] = [];
  /** The traces of those whose events are in the running group. */
  private callers: NonNullable<Caller>[] = [];

  constructor(
    private readonly projections: readonly Projection[],
    private readonly store: SqliteProjectionStore,
    private readonly generations: SqliteGenerations,
    private readonly documents: SqliteDocuments,
    private readonly changesOf: ChangesOf,
  ) {}

  /**
   * That `stored`, which say the same as `plain`, are about to be part of the running group, for `caller`.
   * @throws UnavailableError when a projection cannot show one of them; then none is taken in
   */
  add(stored: readonly StoredEvent[], plain: readonly NewEvent[], caller: Caller): void {
    const [first, last] = [stored[0], stored.at(-1)];
    if (first === undefined || last === undefined) return;
    const from = this.fromOf(Number(first.position) - 1);
    const events = stored.map((event, index) => recordedAs(plain[index] as NewEvent, event));
    const made = this.projections.map((projection) => [projection, this.changesNow(projection, events, from)] as const);
    for (const [projection, changes] of made) this.remember(projection, changes);
    this.span = { from, to: last.position };
    if (caller !== null) this.callers.push(caller);
  }

  /**
   * As `add`, of new streams' events after the position `before` and up to `to`, whose documents were made ready.
   * @throws UnavailableError when a projection cannot show one of them; then none is taken in
   */
  addReady(made: readonly ReadyDocuments[], before: number, to: Position): void {
    const from = this.fromOf(before);
    const concerned = new Set(made.map(({ projection }) => projection));
    for (const projection of this.projections) if (concerned.has(projection.name)) this.liveAt(projection, from);
    this.ready.push(...made);
    this.span = { from, to };
  }

  /** Documents are written once all savepoints are released: the full-text indexes flush at each. */
  beforeCommit(): void {
    if (this.span === null) return;
    const { from, to } = this.span;
    for (const projection of this.projections) {
      const start = Date.now();
      const live = this.generations.live(projection.name);
      if (live?.version !== projection.version) continue;
      this.store.applyNow(projection.name, live.number, this.madeOf(projection), from, to);
      for (const caller of this.callers) recordSpan(caller, `project ${projection.name}`, {}, start, Date.now());
    }
  }

  committed(): void {
    this.span = null;
    this.callers = [];
    this.ready = [];
    this.pending.clear();
  }

  failed(): void {
    this.committed();
  }

  private changesNow(projection: Projection, events: readonly RecordedEvent[], from: Position | null): Change[] {
    const { name } = projection;
    const concerned = events.filter((event) => projection.subject(event) !== null);
    if (concerned.length === 0) return [];
    const live = this.liveAt(projection, from);
    const pending = this.pending.get(projection);
    const load = (subject: DocumentSubject) => {
      const change = pending?.get(keyOf(subject));
      return change === undefined ? this.documents.load(name, live.number, subject) : standing(change);
    };
    try {
      return this.changesOf(projection, concerned, load);
    } catch (error) {
      throw new UnavailableError(`the projection ${name} cannot show what was to be stored`, { cause: error });
    }
  }

  /** Where the log stood before the running group, which goes on after the position `before`. */
  private fromOf(before: number): Position | null {
    if (this.span !== null) return this.span.from;
    return before === 0 ? null : String(before);
  }

  /** What reads see of a projection, which shows all up to `from`. @throws UnavailableError when it does not */
  private liveAt({ name, version }: Projection, from: Position | null): Generation {
    const live = this.generations.live(name);
    if (live?.version !== version || live.position !== from) throw new UnavailableError(`the projection ${name} is not up to date`);
    return live;
  }

  private madeOf(projection: Projection): Omit<ReadyDocuments, 'projection'> {
    const ready = this.ready.filter((made) => made.projection === projection.name);
    const pending = this.pending.get(projection)?.values() ?? [];
    return { documents: ready.flatMap(({ documents }) => documents), changes: [...ready.flatMap(({ changes }) => changes), ...pending] };
  }

  private remember(projection: Projection, changes: readonly Change[]): void {
    const pending = this.pending.get(projection) ?? new Map<string, Change>();
    this.pending.set(projection, pending);
    for (const change of changes) {
      const earlier = pending.get(keyOf(change));
      pending.set(keyOf(change), earlier === undefined ? change : { ...change, from: earlier.from, history: [...earlier.history, ...change.history] });
    }
  }
}

/** An id has no space. */
const keyOf = ({ organizationId, id }: DocumentSubject) => `${id} ${organizationId}`;

/** What stands for a document once `change` is made. */
function standing(change: Change): Versioned {
  return { revision: change.to, document: change.type === 'put' ? change.document : null };
}
