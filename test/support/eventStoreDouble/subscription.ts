// A filtered subscription to $all of the double.
// server: Services/Transport/Grpc/Enumerators.AllSubscriptionFiltered.cs and SubscriptionsService.cs.

import type { ServerWritableStream } from '@grpc/grpc-js';
import type * as Streams from '@eventstore/db-client/generated/streams_pb.js';
import { START, type DoubleLog, type LogPosition, type Record } from './log.js';
import { drained } from './flow.js';
import * as wire from './wire.js';

/** server: Enumerators.cs: events are read by 32, and two channels of 32 stand between log and consumer. */
const PAGE = 32;
const LIVE_BUFFER = 64;

type Call = ServerWritableStream<Streams.ReadReq, Streams.ReadResp>;

export class Subscription {
  private counter = 0;
  private given = 0;
  private limit = Infinity;
  private onLimit: () => void = () => undefined;
  private buffer: Streams.ReadResp[] = [];
  private blocked = false;
  private ended = false;
  private readonly heard = (record: Record) => this.appeared(record);

  constructor(
    private readonly id: string,
    private readonly log: DoubleLog,
    private readonly call: Call,
    private readonly from: 'start' | 'end' | LogPosition,
    private readonly filter: NonNullable<wire.ReadRequest['filter']>,
  ) {
    call.once('cancelled', () => this.end());
  }

  /** Calls `action` once so many events were given; no more are given then. */
  afterEvents(limit: number, action: () => void): void {
    this.limit = limit;
    this.onLimit = action;
  }

  fail(error: Error): void {
    if (this.ended) return;
    this.end();
    this.call.emit('error', error);
  }

  async run(): Promise<void> {
    await this.write(wire.confirmation(this.id));
    if (this.from !== 'end') await this.catchUp(this.startOf(this.from));
    if (this.ended) return;
    this.log.appended.on('record', this.heard);
    this.call.write(wire.caughtUp());
  }

  /**
   * server: Subscribe: the start is exclusive in that the first event at it or after is passed
   * over, whichever that is. notes: "`fromPosition` is exclusive in subscriptions".
   */
  private startOf(from: 'start' | LogPosition): LogPosition {
    return from === 'start' ? START : this.log.page(from, 1).next;
  }

  /** server: CatchUp. A checkpoint is the last event given of a page, or where the page began: then its prepare position may be 0. */
  private async catchUp(start: LogPosition): Promise<void> {
    for (let position = start; !this.ended; ) {
      const page = this.log.page(position, PAGE, this.filter.window, this.filter.matches);
      for (const record of page.records) await this.event(record);
      this.counter += page.considered;
      if (page.end && this.log.page(page.next, 1).end) return;
      if (this.counter >= this.filter.interval) {
        this.counter %= this.filter.interval;
        await this.write(wire.checkpoint(page.records.at(-1) ?? page.current));
      }
      position = page.next;
    }
  }

  /** server: SubscriptionsService.cs: every event counts towards the checkpoint, which is the event's own position. */
  private appeared(record: Record): void {
    if (this.filter.matches(record)) this.enqueue(wire.eventResponse(record));
    this.counter += 1;
    if (this.counter < this.filter.interval) return;
    this.counter = 0;
    this.enqueue(wire.checkpoint(record));
  }

  /** server: ConsumerTooSlow: live events that do not fit into its channels end the subscription. */
  private enqueue(response: Streams.ReadResp): void {
    this.buffer.push(response);
    if (!this.blocked) this.pump();
    else if (this.buffer.length > LIVE_BUFFER) this.fail(wire.failures.tooSlow());
  }

  private pump(): void {
    this.blocked = false;
    while (!this.blocked && !this.ended) {
      const next = this.buffer.shift();
      if (next === undefined) return;
      if (next.hasEvent()) this.count();
      if (this.ended || this.call.write(next)) continue;
      this.blocked = true;
      this.call.once('drain', () => this.pump());
    }
  }

  private async event(record: Record): Promise<void> {
    this.count();
    if (!this.ended) await this.write(wire.eventResponse(record));
  }

  private count(): void {
    this.given += 1;
    if (this.given <= this.limit || this.ended) return;
    this.end();
    // What was given before gets through first.
    setTimeout(this.onLimit, 20);
  }

  private async write(response: Streams.ReadResp): Promise<void> {
    if (this.ended || this.call.write(response)) return;
    await drained(this.call);
  }

  private end(): void {
    this.ended = true;
    this.buffer = [];
    this.log.appended.off('record', this.heard);
  }
}
