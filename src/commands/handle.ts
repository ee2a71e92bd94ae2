// How every command is carried out: load the aggregate, decide, append; when somebody else was
// faster, load and decide again. Commands on one stream queue inside the process.

import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Decision, Rejection } from '../domain/decision.js';
import type { EventMetadata, Recorded } from '../domain/events/metadata.js';
import { schemaVersionOf, type DomainEvent } from '../domain/events/registry.js';
import { weightOf } from '../domain/json.js';
import type { Clock, Ids } from '../ports/clock.js';
import { recordedAs, type EventStore, type NewEvent, type RecordedEvent } from '../ports/eventStore.js';
import { KeyDestroyedError } from '../ports/keyStore.js';
import type { ReservedIds } from '../ports/idempotencyStore.js';
import { traced } from '../ports/tracing.js';
import { KeyedQueue } from './keyedQueue.js';

/** How long a command that meets conflicts decides again, in ms. */
export const CONFLICT_DEADLINE_MS = 2_000;
const CACHED_AGGREGATES = 20_000;
/** Of all that are cached: one with custom fields as large as there are takes megabytes. */
const CACHED_BYTES = 64_000_000;
const RETRY_PAUSE_MS = 20;

/** An aggregate: where its fold begins and how it goes on. */
export interface Aggregate<State, Event extends DomainEvent> {
  initial: State;
  evolve: (state: State, event: Recorded<Event>) => State;
}

/** On whose behalf a command runs and what it follows from. */
export interface CommandContext {
  organizationId: string;
  actor: { sub: string };
  requestId: string;
  correlationId: string;
  causationId: string | null;
  /** The revisions of which the aggregate must be at one, when the client insists (If-Match). */
  ifRevisions?: readonly number[] | undefined;
  /** Those of which it must be at none (If-None-Match). */
  unlessRevisions?: readonly number[] | undefined;
  /** Ids set aside by an idempotency key; `takenOver`: an earlier try may have used them. */
  reserved?: (ReservedIds & { takenOver: boolean }) | undefined;
}

export interface Loaded<State> {
  state: State;
  /** Of the last event that is in the state; -1 when there is none. */
  revision: number;
}

/** The newest state, to decide on. */
export interface Newest<State> extends Loaded<State> {
  /** Where the stream stands: further on than `revision` where an operator had events skipped. */
  end: number;
}

/** Asked on the newest state, and again on a newer one when somebody else was faster. */
export type Decide<State, Event> = (loaded: Newest<State>) => Decision<Event> | Promise<Decision<Event>>;

/** Why a command came to nothing: the decider's reason, or that the aggregate changed meanwhile. */
export type Refusal = Rejection | { code: 'CONFLICT' } | { code: 'PRECONDITION_FAILED' };

export type Outcome<State> =
  | ({ done: true; /** What was appended; none when nothing was to change. */ events: RecordedEvent[] } & Loaded<State>)
  | { done: false; refusal: Refusal };

interface Cached extends Loaded<unknown> {
  /** When the last event occurred. */
  at: string;
}

export class CommandHandler {
  private readonly queue = new KeyedQueue();
  private readonly cache = new LRUCache<string, Cached>({
    max: CACHED_AGGREGATES,
    maxSize: CACHED_BYTES,
    sizeCalculation: ({ state }) => weightOf(state),
  });

  constructor(
    readonly events: EventStore,
    readonly clock: Clock,
    readonly ids: Ids,
  ) {}

  /** The aggregate as of the newest event. @throws UnavailableError, UnreadableEventError */
  async load<State, Event extends DomainEvent>(aggregate: Aggregate<State, Event>, stream: string): Promise<Newest<State>> {
    const { state, revision } = await this.loadCached(aggregate, stream);
    return { state: state as State, revision, end: this.events.endAfter(stream, revision) };
  }

  /** Lets go of what is remembered of a stream: another copy of the service erased its contact. */
  forget(stream: string): void {
    this.cache.delete(stream);
  }

  /**
   * Carries out one command on `stream`. `decide` may be called again on a newer state.
   * @throws UnavailableError when it cannot be told whether the events were stored
   */
  execute<State, Event extends DomainEvent>(
    aggregate: Aggregate<State, Event>,
    stream: string,
    context: CommandContext,
    decide: Decide<State, Event>,
  ): Promise<Outcome<State>> {
    return this.inTurn(stream, () => this.executeAtOnce(aggregate, stream, context, decide));
  }

  /** As `execute`, for an id that was just made: that its stream does not exist is not looked up, the append tells. */
  create<State, Event extends DomainEvent>(
    aggregate: Aggregate<State, Event>,
    stream: string,
    context: CommandContext,
    decide: Decide<State, Event>,
  ): Promise<Outcome<State>> {
    return this.inTurn(stream, () => this.executeAtOnce(aggregate, stream, context, decide, nothingYet(aggregate)));
  }

  /**
   * As `execute`, past the queue of the stream: for whoever holds another's queue and must not wait for this one.
   * `assumed` stands for what a first look would find.
   */
  async executeAtOnce<State, Event extends DomainEvent>(
    aggregate: Aggregate<State, Event>,
    stream: string,
    context: CommandContext,
    decide: Decide<State, Event>,
    assumed?: Cached,
  ): Promise<Outcome<State>> {
    const { reserved, ifRevisions } = context;
    const earlier = reserved?.takenOver === true ? await this.earlierTry(aggregate, stream, reserved.eventId) : null;
    if (earlier !== null) return earlier;
    const deadline = Date.now() + CONFLICT_DEADLINE_MS;
    for (let known = assumed; ; known = undefined) {
      const cached = known ?? (await this.loadCached(aggregate, stream));
      const outcome = await this.attempt(aggregate, stream, context, cached, decide).catch(refusingErased);
      if (outcome !== null) return outcome;
      if (ifRevisions !== undefined) return { done: false, refusal: { code: 'PRECONDITION_FAILED' } };
      if (Date.now() > deadline) return { done: false, refusal: { code: 'CONFLICT' } };
      await sleep(Math.random() * RETRY_PAUSE_MS);
    }
  }

  /** Decides on what was loaded, and appends; null when somebody else appended meanwhile. */
  private async attempt<State, Event extends DomainEvent>(
    aggregate: Aggregate<State, Event>,
    stream: string,
    context: CommandContext,
    cached: Cached,
    decide: Decide<State, Event>,
  ): Promise<Outcome<State> | null> {
    const loaded: Newest<State> = { state: cached.state as State, revision: cached.revision, end: this.events.endAfter(stream, cached.revision) };
    const { state, revision, end } = loaded;
    const decision = await decide(loaded);
    if (!decision.accepted) return { done: false, refusal: decision.rejection };
    if (!meetsCondition(context, loaded)) {
      return { done: false, refusal: { code: 'PRECONDITION_FAILED' } };
    }
    if (decision.events.length === 0) return { done: true, state, revision, events: [] };
    const events = this.toAppend(decision.events, context, cached.at);
    const result = await traced('append', () => ({ 'contacts.events': events.map(({ type }) => type) }), () =>
      this.events.commit(stream, end === -1 ? 'none' : end, events),
    );
    if (result.outcome === 'conflict') return null;
    const { position } = result;
    return this.remember(aggregate, stream, cached, events.map((event, index) => recordedAs(event, { stream, revision: end + 1 + index, position })));
  }

  private inTurn<Result>(stream: string, task: () => Promise<Result>): Promise<Result> {
    return traced('command', () => ({ 'contacts.aggregate': stream.slice(0, stream.indexOf('-')) }), () => this.queue.run(stream, task));
  }

  private toAppend(events: readonly DomainEvent[], context: CommandContext, lastAt: string): NewEvent[] {
    const { organizationId, actor, requestId, correlationId, causationId, reserved } = context;
    const now = this.clock.now().toISOString();
    const occurredAt = now > lastAt ? now : lastAt;
    return events.map(({ type, data }, index): NewEvent => {
      const schemaVersion = schemaVersionOf(type);
      const metadata: EventMetadata = { organizationId, actor, requestId, correlationId, causationId, occurredAt, schemaVersion };
      const id = index === 0 && reserved !== undefined ? reserved.eventId : this.ids.next();
      return { type, data, id, metadata } as NewEvent;
    });
  }

  private remember<State, Event extends DomainEvent>(
    aggregate: Aggregate<State, Event>,
    stream: string,
    before: Cached,
    events: readonly RecordedEvent[],
  ): Outcome<State> {
    const after = events.reduce((loaded, event) => advance(aggregate, loaded, event), before);
    this.cache.set(stream, after);
    return { done: true, state: after.state as State, revision: after.revision, events: [...events] };
  }

  private async loadCached<State, Event extends DomainEvent>(aggregate: Aggregate<State, Event>, stream: string): Promise<Cached> {
    const known = this.cache.get(stream) ?? nothingYet(aggregate);
    let loaded = known;
    for await (const events of this.events.read(stream, known.revision + 1)) {
      loaded = events.reduce((before, event) => advance(aggregate, before, event), loaded);
    }
    if (loaded !== known) this.cache.set(stream, loaded);
    return loaded;
  }

  /** What an earlier try of the same request did, found by the id of its first event; null when it did nothing. */
  private async earlierTry<State, Event extends DomainEvent>(
    aggregate: Aggregate<State, Event>,
    stream: string,
    eventId: string,
  ): Promise<Outcome<State> | null> {
    let loaded = nothingYet(aggregate);
    for await (const events of this.events.read(stream, 0)) {
      for (const event of events) {
        loaded = advance(aggregate, loaded, event);
        if (event.id === eventId) return { done: true, state: loaded.state as State, revision: loaded.revision, events: [event] };
      }
    }
    return null;
  }
}

/** What is to be written of a contact whose key is destroyed is as of an erased one, though its stream does not say so as yet, or was restored from before. */
function refusingErased(error: unknown): Outcome<never> {
  if (error instanceof KeyDestroyedError) return { done: false, refusal: { code: 'CONTACT_NOT_FOUND' } };
  throw error;
}

/** Whether the aggregate is at a revision that the client insists on, if it does, and at none that it rules out. */
export function meetsCondition({ ifRevisions, unlessRevisions }: CommandContext, { revision, end }: Omit<Newest<unknown>, 'state'>): boolean {
  const isIn = (revisions: readonly number[]) => revisions.includes(revision) || revisions.includes(end);
  return (ifRevisions === undefined || isIn(ifRevisions)) && !(unlessRevisions !== undefined && isIn(unlessRevisions));
}

function nothingYet<State, Event extends DomainEvent>(aggregate: Aggregate<State, Event>): Cached {
  return { state: aggregate.initial, revision: -1, at: '' };
}

function advance<State, Event extends DomainEvent>(aggregate: Aggregate<State, Event>, loaded: Cached, event: RecordedEvent): Cached {
  const state = aggregate.evolve(loaded.state as State, event as unknown as Recorded<Event>);
  return { state, revision: event.revision, at: event.metadata.occurredAt };
}
