// A protocol double of EventStoreDB 23.10: a gRPC server with the client's own service definitions
// that keeps a log in memory and can misbehave on demand. For tests only. Besides "server" and
// "notes" (see log.ts), "client" cites @eventstore/db-client 6.2.1.

import { randomUUID } from 'node:crypto';
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import {
  Server,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import type * as Shared from '@eventstore/db-client/generated/shared_pb.js';
import type * as Streams from '@eventstore/db-client/generated/streams_pb.js';
import { drained } from './flow.js';
import { DoubleLog, isShownInAll, type Decision, type Expected, type Proposed, type Record } from './log.js';
import { Relay } from './relay.js';
import { credentialsOf, strangerRefused, urlOf, type User } from './security.js';
import { Subscription } from './subscription.js';
import * as wire from './wire.js';

/** server: ClusterVNodeOptions, MaxAppendSize: 1 MiB; notes: "More than 1 MiB in an append". */
const MAX_APPEND_SIZE = 1_024 * 1_024;

export type Method = 'append' | 'batchAppend' | 'read' | 'subscribe';

/** What is to happen to a call instead of what should. */
export type Fault =
  /** Refused before anything was done. */
  | { do: 'refuse'; with: Error }
  /** Done, and then the connection is cut before the answer. notes: "'Unavailable' on an append says nothing of whether it happened". */
  | { do: 'lose-answer' }
  /** Not done, and never answered. notes: "with the server frozen". */
  | { do: 'swallow' }
  /** Done, and answered after so many ms. notes: "Single appends stalled up to 0.6 s". */
  | { do: 'delay'; ms: number }
  /** A read or subscription: so many events are given, then the connection is cut. */
  | { do: 'cut-after'; events: number };

export interface DoubleOptions {
  /** Foreign events appear after every so many appends. */
  foreignEvery?: number;
  port?: number;
  /** Encrypted, for this user alone. */
  user?: User;
}

export class EventStoreDouble {
  readonly log = new DoubleLog();
  /** How often each method was called. */
  readonly calls = { append: 0, batchAppend: 0, read: 0, subscribe: 0 };
  readonly subscriptions = new Set<Subscription>();
  private readonly faults: { method: Method; fault: Fault; left: number }[] = [];
  private readonly server = new Server({ 'grpc.max_receive_message_length': -1 });
  private relay: Relay | undefined;
  private leader: wire.Member | null = null;
  private appends = 0;

  private constructor(private readonly options: DoubleOptions) {
    this.server.addService(wire.StreamsService, {
      read: (call: ServerWritableStream<Streams.ReadReq, Streams.ReadResp>) => void this.read(call),
      append: (call: ServerReadableStream<Streams.AppendReq, Streams.AppendResp>, answer: sendUnaryData<Streams.AppendResp>) =>
        void this.append(call, answer),
      batchAppend: (call: ServerDuplexStream<Streams.BatchAppendReq, Streams.BatchAppendResp>) => this.batchAppend(call),
      delete: (call: ServerUnaryCall<Streams.DeleteReq, Streams.DeleteResp>, answer: sendUnaryData<Streams.DeleteResp>) =>
        answer(null, this.delete(wire.nameOf(call.request.getOptions()?.getStreamIdentifier()))),
      tombstone: (call: ServerUnaryCall<Streams.TombstoneReq, Streams.TombstoneResp>, answer: sendUnaryData<Streams.TombstoneResp>) =>
        answer(wire.failures.invalid('delete by the log of the double'), null),
    });
    this.server.addService(wire.ServerFeaturesService, {
      getSupportedMethods: (_: unknown, answer: sendUnaryData<unknown>) => answer(null, wire.supportedMethods()),
    });
    this.server.addService(wire.GossipService, {
      read: (_: unknown, answer: sendUnaryData<unknown>) => answer(null, wire.clusterInfo(this.members())),
    });
  }

  /** Starts one, on a free port unless one is asked for. */
  static async start(options: DoubleOptions = {}): Promise<EventStoreDouble> {
    const double = new EventStoreDouble(options);
    const port = await new Promise<number>((resolve, reject) => {
      double.server.bindAsync('127.0.0.1:0', credentialsOf(options.user), (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    double.relay = new Relay(port);
    await double.relay.up(options.port ?? 0);
    return double;
  }

  get connections(): Relay {
    return this.relay as Relay;
  }

  get port(): number {
    return this.connections.port;
  }

  /** What a client connects to. */
  get url(): string {
    return urlOf(this.port, this.options.user);
  }

  async stop(): Promise<void> {
    await this.connections.down();
    this.server.forceShutdown();
  }

  /** The next calls of `method` fare so. */
  next(method: Method, fault: Fault, times = 1): void {
    this.faults.push({ method, fault, left: times });
  }

  /** What was planned by `next` and did not come to pass will not. */
  forgetFaults(): void {
    this.faults.length = 0;
  }

  /** Is a follower from now on: what needs the leader is refused and told where it is; null: the leader again. */
  follow(leader: { host: string; port: number } | null): void {
    this.leader = leader === null ? null : { ...leader, state: 'leader' };
  }

  /** Ends every subscription with `error`. */
  dropSubscriptions(error: Error): void {
    for (const subscription of this.subscriptions) subscription.fail(error);
  }

  private members(): wire.Member[] {
    const own = { host: '127.0.0.1', port: this.port, state: this.leader === null ? 'leader' : 'follower' } as const;
    return this.leader === null ? [own] : [own, this.leader];
  }

  private faultOf(method: Method): Fault | undefined {
    this.calls[method] += 1;
    const planned = this.faults.find((fault) => fault.method === method && fault.left > 0);
    if (planned === undefined) return undefined;
    planned.left -= 1;
    return planned.fault;
  }

  /** server: RpcExceptions.cs, TryHandleNotHandled; a call that does not require the leader is served or passed on by a follower. */
  private refusal(call: { metadata: { get(key: string): unknown[] } }): Error | null {
    const refused = strangerRefused(call.metadata.get('authorization')[0], this.options.user);
    if (refused !== null) return refused;
    if (this.leader === null || call.metadata.get('requires-leader')[0] !== 'true') return null;
    return wire.failures.notLeader(this.leader.host, this.leader.port);
  }

  private decide(stream: string, expected: Expected, events: readonly Proposed[]): Decision {
    if (this.log.isBehind) throw wire.failures.notReady();
    const decision = this.log.append(stream, expected, events);
    if (decision.outcome === 'appended') this.appends += 1;
    if (decision.outcome === 'appended' && this.appends % (this.options.foreignEvery ?? 7) === 0) this.log.foreign();
    return decision;
  }

  /** server: a stream is deleted by its metadata, which is an event of the log, too. */
  private delete(stream: string): Streams.DeleteResp {
    this.log.delete(stream, 'soft');
    this.log.foreign(`$$${stream}`, '$metadata');
    return new wire.streams.DeleteResp().setNoPosition(new wire.shared.Empty());
  }

  private async append(call: ServerReadableStream<Streams.AppendReq, Streams.AppendResp>, answer: sendUnaryData<Streams.AppendResp>) {
    const fault = this.faultOf('append');
    try {
      const refusal = fault?.do === 'refuse' ? fault.with : this.refusal(call);
      if (refusal !== null) throw refusal;
      const { stream, expected, events } = await collected(call);
      if (fault?.do === 'swallow') return;
      const decision = this.decide(stream, expected, events);
      if (fault?.do === 'lose-answer') return this.connections.cut();
      if (fault?.do === 'delay') await sleep(fault.ms);
      if (decision.outcome === 'stream-deleted') throw wire.failures.streamDeleted(stream);
      answer(null, wire.appendResponse(decision, expected));
    } catch (error) {
      answer(error as Error, null);
    }
  }

  /** server: Services/Transport/Grpc/Streams.BatchAppend.cs. */
  private batchAppend(call: ServerDuplexStream<Streams.BatchAppendReq, Streams.BatchAppendResp>): void {
    const pending = new Map<string, { stream: string; expected: Expected; events: Proposed[] }>();
    call.on('error', () => undefined);
    call.on('end', () => call.end());
    call.on('data', (request: Streams.BatchAppendReq) => {
      const correlation = request.getCorrelationId() as Shared.UUID;
      const options = request.getOptions();
      if (options !== undefined) pending.set(correlation.getString(), { ...wire.targetOf(options), events: [] });
      const batch = pending.get(correlation.getString());
      if (batch === undefined) return;
      batch.events.push(...request.getProposedMessagesList().map(wire.proposedOf));
      const size = batch.events.reduce((sum, event) => sum + wire.sizeOf(event), 0);
      if (size > MAX_APPEND_SIZE) {
        pending.delete(correlation.getString());
        call.write(wire.batchResponse(correlation, batch.stream, 'too-large', MAX_APPEND_SIZE));
      } else if (request.getIsFinal()) {
        pending.delete(correlation.getString());
        void this.answerBatch(call, correlation, batch);
      }
    });
  }

  private async answerBatch(
    call: ServerDuplexStream<Streams.BatchAppendReq, Streams.BatchAppendResp>,
    correlation: Shared.UUID,
    { stream, expected, events }: { stream: string; expected: Expected; events: Proposed[] },
  ): Promise<void> {
    const fault = this.faultOf('batchAppend');
    const refusal = fault?.do === 'refuse' ? fault.with : this.refusal(call);
    if (refusal !== null) return void call.emit('error', refusal);
    if (fault?.do === 'swallow') return;
    const decision = this.decide(stream, expected, events);
    if (fault?.do === 'lose-answer') return this.connections.cut();
    if (fault?.do === 'delay') await sleep(fault.ms);
    call.write(wire.batchResponse(correlation, stream, decision));
  }

  private async read(call: ServerWritableStream<Streams.ReadReq, Streams.ReadResp>): Promise<void> {
    call.on('error', () => undefined);
    const request = wire.readRequestOf(call.request.getOptions() as Streams.ReadReq.Options);
    const fault = this.faultOf(request.count === null ? 'subscribe' : 'read');
    const refusal = fault?.do === 'refuse' ? fault.with : this.refusal(call);
    if (refusal !== null) return void call.emit('error', refusal);
    if (fault?.do === 'swallow') return;
    if (fault?.do === 'delay') await sleep(fault.ms);
    if (typeof request.from === 'object' && !this.log.isReadable(request.from)) return void call.emit('error', wire.failures.unknown());
    if (request.count === null) return this.subscribe(call, request, fault);
    const found = this.found(request, request.count);
    if (found instanceof Error) return void call.emit('error', found);
    if (found === 'not-found') call.write(wire.streamNotFound(request.stream ?? ''));
    else if (!(await this.give(call, found, fault))) return;
    call.end();
  }

  /** Writes records as fast as they are taken; false when the call ended before. */
  private async give(call: ServerWritableStream<Streams.ReadReq, Streams.ReadResp>, records: readonly Record[], fault?: Fault): Promise<boolean> {
    for (const [index, record] of records.entries()) {
      if (fault?.do === 'cut-after' && index === fault.events) {
        // What was given before gets through first.
        await sleep(20);
        this.connections.cut();
        return false;
      }
      if (!call.write(wire.eventResponse(record))) await drained(call);
      if (call.cancelled) return false;
    }
    return true;
  }

  /** What a read that ends finds. client: readAll sends no filter. */
  private found({ stream, from, direction, filter }: wire.ReadRequest, count: number): 'not-found' | Error | readonly Record[] {
    if (filter !== null) return wire.failures.invalid('a read with a filter: the client sends none');
    const end = from === 'end';
    if (stream === null) {
      if (direction === 'backwards') return typeof from === 'object' ? this.log.backwardsFrom(from, count) : this.log.backwards(end ? count : 0);
      return end ? [] : this.log.page(typeof from === 'object' ? from : { commit: 0n, prepare: 0n }, count, Infinity, isShownInAll).records;
    }
    const records = this.log.stream(stream);
    if (records === 'not-found') return records;
    if (records === 'deleted') return wire.failures.streamDeleted(stream);
    if (direction === 'forwards') return records.filter(({ revision }) => revision >= (typeof from === 'number' ? from : 0)).slice(0, count);
    const last = typeof from === 'number' ? from : Infinity;
    return records.filter(({ revision }) => revision <= last).slice(-count).reverse();
  }

  private async subscribe(call: ServerWritableStream<Streams.ReadReq, Streams.ReadResp>, request: wire.ReadRequest, fault?: Fault): Promise<void> {
    if (request.stream !== null || request.filter === null || typeof request.from === 'number') {
      return void call.emit('error', wire.failures.invalid('only filtered subscriptions to $all'));
    }
    const subscription = new Subscription(randomUUID(), this.log, call, request.from, request.filter);
    if (fault?.do === 'cut-after') subscription.afterEvents(fault.events, () => this.connections.cut());
    this.subscriptions.add(subscription);
    call.once('cancelled', () => this.subscriptions.delete(subscription));
    await subscription.run();
  }
}

/** All of an append's messages. */
async function collected(call: ServerReadableStream<Streams.AppendReq, Streams.AppendResp>) {
  let target: { stream: string; expected: Expected } | undefined;
  const events: Proposed[] = [];
  let size = 0;
  for await (const request of call as AsyncIterable<Streams.AppendReq>) {
    const options = request.getOptions();
    const message = request.getProposedMessage();
    if (options !== undefined) target = wire.targetOf(options);
    if (message === undefined) continue;
    const event = wire.proposedOf(message);
    size += wire.sizeOf(event);
    if (size > MAX_APPEND_SIZE) throw wire.failures.tooLarge(MAX_APPEND_SIZE);
    events.push(event);
  }
  // Here a connection that is cut may look like the end of the request; to the real server it does not.
  await immediate();
  if (call.cancelled || target === undefined) throw wire.failures.invalid('the request did not arrive whole');
  return { ...target, events };
}
