// Compares what reads see with what the events say: every document with its stream replayed, and
// every stream with there being a document. Holds a page of documents at a time. A difference is
// looked at again before it counts, since others may write meanwhile.

import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { jsonEqual, isJsonObject, type Json } from '../domain/json.js';
import { parseStream, streamName } from '../domain/streams.js';
import type { Position, StoredEvent } from '../ports/eventLog.js';
import type { DocumentKeys, DocumentSubject, GenerationName, Projection, Versioned } from '../ports/projection.js';
import type { ProjectionChecks } from '../ports/projectionChecks.js';
import type { StoredDocument } from '../ports/readStore.js';
import type { ProjectingDeps } from './advance.js';
import { changeOf } from './project.js';

const PAGE = 100;
const LOG_BATCH = 1_000;
const LOOK_AGAIN_AFTER_MS = 50;

/** What is wrong with one document. Nothing of what it says: only where it differs. */
export interface Difference extends DocumentSubject {
  projection: GenerationName;
  /** `unreadable`: its events cannot be projected. */
  kind: 'missing' | 'superfluous' | 'different' | 'unreadable';
  /** What differs: names of fields, as `metadata.title`; `keys.…`, `index.…`, `search`: what it is found by; `history`; `counts.…`. */
  fields: string[];
}

/** What verifying works with. */
export type VerifyingDeps = ProjectingDeps & { checks: ProjectionChecks };

export interface VerifyProgress {
  done: number;
  total: number | null;
  unit: string;
}

export interface VerifyOptions {
  /** Told of each difference. */
  found: (difference: Difference) => void;
  report?: (progress: VerifyProgress) => void;
  signal?: AbortSignal;
}

/** The live documents were replaced by others while they were looked at. */
export class VerifyInterruptedError extends Error {
  override readonly name = 'VerifyInterruptedError';
}

/**
 * Verifies the live documents of `projection` up to their position of now.
 * @returns how many documents were compared
 * @throws VerifyInterruptedError, UnavailableError, and the reason of the signal
 */
export async function verify(projection: Projection, deps: VerifyingDeps, options: VerifyOptions): Promise<number> {
  const live = await deps.store.live(projection.name);
  if (live === null) return 0;
  const verification = new Verification(projection, live.number, live.position, deps, options);
  const compared = await verification.documents();
  await verification.streams();
  await verification.strays();
  if ((await deps.store.live(projection.name))?.number === live.number) return compared;
  throw new VerifyInterruptedError(`${projection.name} was rebuilt meanwhile; verify it again`);
}

interface Replayed {
  standing: (Versioned & { keys: DocumentKeys | null }) | null;
  /** Whether events up to the fixed position follow that the document does not show. */
  behind: boolean;
  /** Whether the history that is kept tells just what the events up to the revision do. */
  told: boolean;
}

class Verification {
  constructor(
    private readonly projection: Projection,
    private readonly generation: number,
    private readonly end: Position | null,
    private readonly deps: VerifyingDeps,
    private readonly options: VerifyOptions,
  ) {}

  /** Compares every document with its events; returns how many. */
  async documents(): Promise<number> {
    const { report, signal } = this.options;
    const total = this.deps.log.count(null, this.end);
    let [compared, replayed] = [0, 0];
    for (let after: StoredDocument | null = null; ; ) {
      signal?.throwIfAborted();
      const page = await this.page(after);
      const suspects = await this.differing(page);
      if (suspects.length > 0) await this.lookAgain(after, suspects);
      compared += page.length;
      for (const { revision } of page) replayed += revision + 1;
      report?.({ done: replayed, total, unit: 'events replayed' });
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return compared;
      after = last;
      await turn();
    }
  }

  /** Looks for a document of every stream that began up to the fixed position. */
  async streams(): Promise<void> {
    const { log } = this.deps;
    const { report, signal } = this.options;
    const total = log.count(null, this.end);
    for (let position: Position | null = null, done = 0; ; ) {
      signal?.throwIfAborted();
      const batch = await log.readAll(position, LOG_BATCH);
      const events = batch.events.filter((event) => log.compare(event.position, this.end) <= 0);
      await this.documentsOf(events.flatMap((event) => this.begunBy(event) ?? []));
      done += events.length;
      report?.({ done, total, unit: 'events looked up' });
      if (batch.caughtUp || events.length < batch.events.length) return;
      ({ position } = batch);
      await turn();
    }
  }

  /** Looks for what is kept of documents that do not stand, and for counts that are not of those that do. */
  async strays(): Promise<void> {
    for await (const strays of this.deps.checks.strays(this.projection.name, this.generation)) {
      this.options.signal?.throwIfAborted();
      for (const { organizationId, id, part } of strays) {
        this.options.found(this.difference({ organizationId, id: id ?? '' }, id === null ? 'different' : 'superfluous', [part]));
      }
    }
  }

  private page(after: DocumentSubject | null): Promise<StoredDocument[]> {
    return this.deps.store.documents(this.projection.name, this.generation, after, PAGE);
  }

  private async differing(documents: readonly StoredDocument[]): Promise<Difference[]> {
    const found = await Promise.all(documents.map((document) => this.compare(document)));
    const beside = await this.deps.checks.foundOtherwise(this.projection.name, this.generation, documents);
    return documents.flatMap((document, index) => {
      const [difference = null, parts = []] = [found[index], beside[index]];
      if (difference === null) return parts.length === 0 ? [] : [this.difference(document, 'different', parts)];
      return { ...difference, fields: [...new Set([...difference.fields, ...parts])] };
    });
  }

  /** Reports those of `suspects` that still differ. */
  private async lookAgain(after: DocumentSubject | null, suspects: readonly Difference[]): Promise<void> {
    await sleep(LOOK_AGAIN_AFTER_MS);
    const isSuspect = ({ organizationId, id }: DocumentSubject) =>
      suspects.some((suspect) => suspect.id === id && suspect.organizationId === organizationId);
    for (const difference of await this.differing((await this.page(after)).filter(isSuspect))) this.options.found(difference);
  }

  private async compare(stored: StoredDocument): Promise<Difference | null> {
    try {
      const { standing, behind, told } = await this.replay(stored, stored.revision);
      if (standing === null) return this.difference(stored, 'superfluous', []);
      const fields = differingFields(standing, stored);
      if (behind || standing.revision !== stored.revision) fields.push('revision');
      if (!told) fields.push('history');
      return fields.length === 0 ? null : this.difference(stored, 'different', fields);
    } catch (error) {
      if (error instanceof Error && error.name === 'UnavailableError') throw error;
      return this.difference(stored, 'unreadable', []);
    }
  }

  /** What the events up to `revision` make of a document. */
  private async replay(subject: DocumentSubject, revision: number): Promise<Replayed> {
    const { log, events, skips, checks } = this.deps;
    const { name, category } = this.projection;
    const { organizationId, id } = subject;
    const replayed: Replayed = { standing: null, behind: false, told: true };
    for await (const batch of log.read(streamName(category, organizationId, id), 0)) {
      const unskipped = batch.filter((event) => !skips.has(name, event));
      replayed.behind ||= unskipped.some((event) => event.revision > revision && log.compare(event.position, this.end) <= 0);
      const shown = await events.open(unskipped.filter((event) => event.revision <= revision));
      const change = changeOf(this.projection, { organizationId, id, events: shown }, replayed.standing, skips);
      if (change !== null) replayed.told &&= await checks.tells(name, this.generation, change);
      if (change?.type === 'put') replayed.standing = { revision: change.to, document: change.document, keys: change.keys };
      if (change?.type === 'remove') replayed.standing = { revision: change.to, document: null, keys: null };
    }
    return replayed;
  }

  /** The document whose stream begins with `event`. */
  private begunBy(event: StoredEvent): DocumentSubject | null {
    if (event.revision !== 0) return null;
    const subject = parseStream(event.stream);
    return subject?.category === this.projection.category ? subject : null;
  }

  private async documentsOf(subjects: readonly DocumentSubject[]): Promise<void> {
    let missing = await this.withoutDocument(subjects);
    if (missing.length === 0) return;
    await sleep(LOOK_AGAIN_AFTER_MS);
    missing = await this.withoutDocument(missing);
    for (const subject of missing) {
      // Compared with a document that nothing was applied to: it has none of what its events make.
      const difference = await this.compare({ ...subject, revision: Number.POSITIVE_INFINITY, document: null, keys: null });
      if (difference !== null && difference.kind !== 'superfluous') {
        this.options.found(difference.kind === 'unreadable' ? difference : this.difference(subject, 'missing', []));
      }
    }
  }

  private async withoutDocument(subjects: readonly DocumentSubject[]): Promise<DocumentSubject[]> {
    const stored = await this.deps.store.load(this.projection.name, this.generation, subjects);
    return subjects.filter((_, index) => stored[index] === null);
  }

  private difference({ organizationId, id }: DocumentSubject, kind: Difference['kind'], fields: string[]): Difference {
    return { projection: this.projection.name, organizationId, id, kind, fields };
  }
}

type Shown = Pick<StoredDocument, 'document' | 'keys'>;

/** Where two forms of a document differ, however their keys are ordered. */
function differingFields(a: Shown, b: Shown): string[] {
  if ((a.document === null) !== (b.document === null)) return ['deleted'];
  const documents = [a, b].map(({ document, keys }) => ({ ...document, keys }) as Json);
  return pathsBetween(documents[0] as Json, documents[1] as Json, 1);
}

function pathsBetween(a: Json | undefined, b: Json | undefined, depth: number): string[] {
  if (jsonEqual(a, b)) return [];
  if (depth < 0 || !isJsonObject(a) || !isJsonObject(b)) return [''];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => {
    if (key === 'customFields' && !jsonEqual(a[key], b[key])) return [key];
    return pathsBetween(a[key], b[key], depth - 1).map((path) => (path === '' ? key : `${key}.${path}`));
  });
}
