// The generations of the read models: which one reads see, which one is being built, which are to
// be dropped.

import type { EventLog, Position } from '../../ports/eventLog.js';
import type { GenerationName } from '../../ports/projection.js';
import type { Generation } from '../../ports/readStore.js';
import type { Database } from './database.js';
import type { Participant } from './groupCommit.js';

type State = 'live' | 'building' | 'dropped';

interface GenerationRow {
  number: number;
  version: number;
  /** Of the last event applied; 0: none is. */
  position: number | string;
}

const SELECT = 'SELECT number, version, position FROM generations';

export class SqliteGenerations implements Participant {
  /** The live generations, as of the running group; asked for by every read. */
  private readonly known = new Map<GenerationName, Generation>();

  constructor(
    private readonly database: Database,
    private readonly compare: EventLog['compare'],
  ) {}

  /** The generation that reads see; null when there never was one. */
  live(projection: GenerationName): Generation | null {
    const known = this.known.get(projection);
    if (known !== undefined) return known;
    const live = this.inState(projection, 'live');
    if (live !== null) this.known.set(projection, live);
    return live;
  }

  /** The generation being built; null when none is. */
  building(projection: GenerationName): Generation | null {
    return this.inState(projection, 'building');
  }

  /** A new, empty generation to build; one that was being built is to be dropped. */
  build(projection: GenerationName, version: number): Generation {
    this.changeState(projection, 'building', 'dropped');
    const sql = `INSERT INTO generations (projection, number, version, position, state)
      VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM generations WHERE projection = ?1), ?2, 0, 'building')`;
    this.database.run(sql, projection, version);
    return this.building(projection) as Generation;
  }

  /** Moves a generation's position; returns whether it was at `from` and is in use. */
  advance(projection: GenerationName, number: number, from: Position | null, to: Position): boolean {
    const sql = `UPDATE generations SET position = ? WHERE projection = ? AND number = ? AND position = ? AND state <> 'dropped'`;
    if (this.database.run(sql, to, projection, number, from ?? 0) === 0) return false;
    const known = this.known.get(projection);
    if (known?.number === number) this.known.set(projection, { ...known, position: to });
    return true;
  }

  /** Puts the generation being built in the place of the live one, which stands no further unless `anyway`; returns whether it did. */
  switchTo(projection: GenerationName, number: number, anyway: boolean): boolean {
    const built = this.building(projection);
    const live = this.live(projection);
    if (built?.number !== number) return false;
    if (!anyway && this.compare(built.position, live?.position ?? null) < 0) return false;
    this.changeState(projection, 'live', 'dropped');
    this.changeState(projection, 'building', 'live');
    this.known.delete(projection);
    return true;
  }

  /** Whether a generation is live or being built. */
  inUse(projection: GenerationName, number: number): boolean {
    return this.live(projection)?.number === number || this.building(projection)?.number === number;
  }

  /** A generation whose documents are to be dropped. */
  dropped(): { projection: GenerationName; number: number } | undefined {
    return this.database.get(`SELECT projection, number FROM generations WHERE state = 'dropped' LIMIT 1`);
  }

  /** That nothing of a dropped generation is left. One in use has a greater number: this one is not given again. */
  gone(projection: GenerationName, number: number): void {
    this.database.run(`DELETE FROM generations WHERE projection = ? AND number = ? AND state = 'dropped'`, projection, number);
  }

  failed(): void {
    this.known.clear();
  }

  private inState(projection: GenerationName, state: State): Generation | null {
    const row = this.database.get<GenerationRow>(`${SELECT} WHERE projection = ? AND state = ?`, projection, state);
    if (row === undefined) return null;
    const { number, version, position } = row;
    return { number, version, position: position === 0 ? null : String(position) };
  }

  private changeState(projection: GenerationName, from: State, to: State): void {
    this.database.run('UPDATE generations SET state = ? WHERE projection = ? AND state = ?', to, projection, from);
  }
}
