// Reads of the live generations, whichever they are.

import type { GenerationName, ProjectionName } from '../../ports/projection.js';
import type { MongoConnection } from './mongoConnection.js';
import type { MongoGenerations } from './mongoGenerations.js';

/** Names the collection of a projection that has no live generation: it is never made. */
const NO_GENERATION = 0;

/** Gives the number of a projection's live generation. */
export type LiveNumber = (projection: ProjectionName) => number;

export class MongoLiveReads {
  /** The live generations as last seen. */
  private numbers = new Map<GenerationName, number>();

  constructor(
    private readonly connection: MongoConnection,
    private readonly generations: MongoGenerations,
  ) {}

  /** Answers from generations that were asked for before. @throws UnavailableError */
  of<Result>(query: () => Promise<Result>): Promise<Result> {
    return this.connection.run(query);
  }

  /** What a cursor gives, batch by batch. @throws UnavailableError */
  through<Item>(batches: AsyncIterable<Item>): AsyncIterable<Item> {
    return this.connection.through(batches);
  }

  /**
   * Answers from the live generations. Those last seen are asked while it is looked up which they
   * are: only if they still are is the answer given, so that it shows all that was acknowledged
   * before, and costs no more time than one question.
   */
  reading<Result>(query: (live: LiveNumber) => Promise<Result>): Promise<Result> {
    return this.connection.run(async () => {
      for (;;) {
        const { numbers } = this;
        const live: LiveNumber = (projection) => numbers.get(projection) ?? NO_GENERATION;
        const [result, now] = await Promise.all([query(live), this.generations.liveNumbers()]);
        this.numbers = now;
        if ([...now].every(([projection, number]) => numbers.get(projection) === number)) return result;
      }
    });
  }
}
