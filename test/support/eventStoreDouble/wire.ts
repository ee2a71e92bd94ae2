// Between the double's own shapes and the messages of the client's generated service definitions.

import { createRequire } from 'node:module';
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import type * as Shared from '@eventstore/db-client/generated/shared_pb.js';
import type * as StatusPb from '@eventstore/db-client/generated/status_pb.js';
import type * as Streams from '@eventstore/db-client/generated/streams_pb.js';
import type * as Features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import type * as Gossip from '@eventstore/db-client/generated/gossip_pb.js';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Decision, Expected, LogPosition, Proposed, Record } from './log.js';

// The client's own copies: its messages must be made by the classes that its stubs know.
const fromClient = createRequire(createRequire(import.meta.url).resolve('@eventstore/db-client'));
const load = <Module>(name: string): Module => fromClient(name) as Module;

export const streams = load<typeof Streams>('@eventstore/db-client/generated/streams_pb.js');
export const shared = load<typeof Shared>('@eventstore/db-client/generated/shared_pb.js');
const statuses = load<typeof StatusPb>('@eventstore/db-client/generated/status_pb.js');
const features = load<typeof Features>('@eventstore/db-client/generated/serverfeatures_pb.js');
const gossip = load<typeof Gossip>('@eventstore/db-client/generated/gossip_pb.js');

interface Any {
  pack(bytes: Uint8Array, name: string): void;
}
const { Any } = load<{ Any: new () => Any }>('google-protobuf/google/protobuf/any_pb.js');
const { Empty } = load<{ Empty: new () => { serializeBinary(): Uint8Array } }>('google-protobuf/google/protobuf/empty_pb.js');

const service = (file: string, name: string) =>
  load<{ [name: string]: ServiceDefinition<UntypedServiceImplementation> }>(`@eventstore/db-client/generated/${file}_grpc_pb.js`)[
    name
  ] as ServiceDefinition<UntypedServiceImplementation>;

export const StreamsService = service('streams', 'StreamsService');
export const ServerFeaturesService = service('serverfeatures', 'ServerFeaturesService');
export const GossipService = service('gossip', 'GossipService');

/** A failure of a call, as the server reports it. `details` become trailing metadata. */
export function failure(code: status, message: string, details: { [key: string]: string } = {}): ServiceError {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(details)) metadata.set(key, value);
  return Object.assign(new Error(message), { code, details: message, metadata });
}

/** server: Services/Transport/Grpc/RpcExceptions.cs, one for each of its exceptions that a stream can meet. */
export const failures = {
  notLeader: (host: string, port: number) =>
    failure(status.NOT_FOUND, 'Leader info available', {
      exception: 'not-leader',
      'leader-endpoint-host': host,
      'leader-endpoint-port': String(port),
    }),
  noLeaderInfo: () => failure(status.UNKNOWN, 'No leader info available in response'),
  notReady: () => failure(status.UNAVAILABLE, 'Server Is Not Ready'),
  tooBusy: () => failure(status.UNAVAILABLE, 'Server Is Too Busy'),
  timeout: () => failure(status.ABORTED, 'Operation timed out: Commit phase timeout.'),
  tooSlow: () =>
    failure(status.ABORTED, 'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.'),
  accessDenied: () => failure(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' }),
  unauthenticated: () => failure(status.UNAUTHENTICATED, 'Received HTTP status code 401'),
  unknown: () => failure(status.UNKNOWN, 'Unexpected OperationResult: ForwardTimeout'),
  // notes, "Losing the server": SIGTERM ends open streams with UnknownError, code 13.
  stopping: () => failure(status.INTERNAL, 'Received RST_STREAM with code 2 (Internal server error)'),
  deadline: () => failure(status.DEADLINE_EXCEEDED, 'Deadline exceeded'),
  streamDeleted: (stream: string) =>
    failure(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, { exception: 'stream-deleted', 'stream-name': stream }),
  tooLarge: (limit: number) =>
    failure(status.INVALID_ARGUMENT, `Maximum Append Size of ${limit} Exceeded.`, {
      exception: 'maximum-append-size-exceeded',
      'maximum-append-size': String(limit),
    }),
  invalid: (message: string) => failure(status.INVALID_ARGUMENT, message),
};

export const nameOf = (identifier: Shared.StreamIdentifier | undefined) => Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');

const identifierOf = (stream: string) => new shared.StreamIdentifier().setStreamName(Buffer.from(stream, 'utf8'));

/** The stream an append or a batch goes to, and what it expects of it. */
export function targetOf(options: Streams.AppendReq.Options | Streams.BatchAppendReq.Options): { stream: string; expected: Expected } {
  const stream = nameOf(options.getStreamIdentifier());
  if (options.hasAny()) return { stream, expected: 'any' };
  if (options.hasNoStream()) return { stream, expected: 'no_stream' };
  if (options.hasStreamExists()) return { stream, expected: 'stream_exists' };
  return { stream, expected: Number('getRevision' in options ? options.getRevision() : options.getStreamPosition()) };
}

/** server: an id that is no UUID, or an event without type or content type, is refused. */
export function proposedOf(message: Streams.AppendReq.ProposedMessage | Streams.BatchAppendReq.ProposedMessage): Proposed {
  const id = message.getId()?.getString() ?? '';
  const [type, contentType] = [message.getMetadataMap().get('type'), message.getMetadataMap().get('content-type')];
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id) || /^[0-]+$/.test(id)) throw failures.unknown();
  if (type === undefined || type === '' || contentType === undefined) throw failures.invalid("Required Metadata Property 'type' is missing");
  // Copied into shared slabs: a million small buffers of their own would take twice the memory.
  const [data, metadata] = [Buffer.from(message.getData_asU8()), Buffer.from(message.getCustomMetadata_asU8())];
  return { id: id.toLowerCase(), type, contentType, data, metadata };
}

/** server: Data/Event.cs, SizeOnDisk: through the precedence of its operators only the data counts. */
export const sizeOf = ({ data }: Proposed): number => data.length;

/** The answer to an append; a stream that was deleted is a failure of the call. */
export function appendResponse(decision: Exclude<Decision, { outcome: 'stream-deleted' }>, expected: Expected): Streams.AppendResp {
  const response = new streams.AppendResp();
  if (decision.outcome === 'appended') {
    const { commit, prepare } = decision.position;
    const position = new streams.AppendResp.Position().setCommitPosition(String(commit)).setPreparePosition(String(prepare));
    return response.setSuccess(new streams.AppendResp.Success().setCurrentRevision(String(decision.revision)).setPosition(position));
  }
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  if (expected === 'any') wrong.setExpectedAny(new shared.Empty());
  else if (expected === 'no_stream') wrong.setExpectedNoStream(new shared.Empty());
  else if (expected === 'stream_exists') wrong.setExpectedStreamExists(new shared.Empty());
  else wrong.setExpectedRevision(String(expected));
  if (decision.current < 0) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(String(decision.current));
  return response.setWrongExpectedVersion(wrong);
}

export type BatchFailure = 'access-denied' | 'timeout' | 'unknown' | 'busy' | 'too-large';

/** The answer to a batch. server: Services/Transport/Grpc/Status.cs. */
export function batchResponse(correlation: Shared.UUID, stream: string, result: Decision | BatchFailure, limit = 0): Streams.BatchAppendResp {
  const response = new streams.BatchAppendResp().setCorrelationId(correlation).setStreamIdentifier(identifierOf(stream));
  if (typeof result !== 'string' && result.outcome === 'appended') {
    const { commit, prepare } = result.position;
    const position = new shared.AllStreamPosition().setCommitPosition(String(commit)).setPreparePosition(String(prepare));
    return response.setSuccess(new streams.BatchAppendResp.Success().setCurrentRevision(String(result.revision)).setPosition(position));
  }
  const [name, detail] = batchDetail(stream, result, limit);
  const details = new Any();
  details.pack(detail.serializeBinary(), name);
  return response.setError(new statuses.Status().setMessage(name.split('.').at(-1) ?? '').setDetails(details as never));
}

function batchDetail(stream: string, result: Decision | BatchFailure, limit: number): [string, { serializeBinary(): Uint8Array }] {
  const client = (name: string) => `event_store.client.${name}`;
  if (result === 'access-denied') return [client('AccessDenied'), new shared.AccessDenied()];
  if (result === 'timeout') return [client('Timeout'), new shared.Timeout()];
  if (result === 'unknown') return [client('Unknown'), new shared.Unknown()];
  if (result === 'too-large') return [client('MaximumAppendSizeExceeded'), new shared.MaximumAppendSizeExceeded().setMaxappendsize(limit)];
  if (result === 'busy') return ['google.protobuf.Empty', new Empty()];
  if (result.outcome === 'wrong-expected-version') {
    const wrong = new shared.WrongExpectedVersion();
    if (result.current < 0) wrong.setCurrentNoStream(new Empty() as never);
    else wrong.setCurrentStreamRevision(String(result.current));
    return [client('WrongExpectedVersion'), wrong];
  }
  return [client('StreamDeleted'), new shared.StreamDeleted().setStreamIdentifier(identifierOf(stream))];
}

/** What a read asks for. */
export interface ReadRequest {
  /** Null: $all. */
  stream: string | null;
  from: 'start' | 'end' | number | LogPosition;
  direction: 'forwards' | 'backwards';
  /** Null: a subscription. */
  count: number | null;
  filter: { matches: (record: Record) => boolean; window: number; interval: number } | null;
}

export function readRequestOf(options: Streams.ReadReq.Options): ReadRequest {
  const [stream, all] = [options.getStream(), options.getAll()];
  const count = options.hasCount() ? Number(options.getCount()) : null;
  const direction = options.getReadDirection() === streams.ReadReq.Options.ReadDirection.FORWARDS ? 'forwards' : 'backwards';
  const filter = options.hasFilter() ? filterOf(options.getFilter() as Streams.ReadReq.Options.FilterOptions) : null;
  if (stream !== undefined) {
    const from = stream.hasStart() ? 'start' : stream.hasEnd() ? 'end' : Number(stream.getRevision());
    return { stream: nameOf(stream.getStreamIdentifier()), from, direction, count, filter };
  }
  const position = all?.getPosition();
  const at = position && { commit: BigInt(position.getCommitPosition()), prepare: BigInt(position.getPreparePosition()) };
  return { stream: null, from: at ?? (all?.hasEnd() === true ? 'end' : 'start'), direction, count, filter };
}

/** server: Enumerators.cs: without a window of its own a filter looks at 32 events at a time. */
function filterOf(options: Streams.ReadReq.Options.FilterOptions) {
  const onStream = options.getStreamIdentifier();
  const expression = onStream ?? options.getEventType();
  const regex = expression?.getRegex() ?? '';
  const prefixes = expression?.getPrefixList() ?? [];
  const wanted = regex === '' ? (name: string) => prefixes.some((prefix) => asCompared(name).startsWith(prefix)) : (name: string) => new RegExp(regex).test(name);
  const window = options.hasMax() ? options.getMax() : 32;
  return {
    matches: ({ stream, type }: Record) => wanted(onStream === undefined ? type : stream),
    window,
    interval: window * options.getCheckpointintervalmultiplier(),
  };
}

/** server: Services/Storage/ReaderIndex/EventFilter.cs, StreamIdPrefixStrategy: by the rules of a culture, to which a soft hyphen is nothing. */
const asCompared = (name: string) => name.replaceAll('\u00ad', '');

/** `created` counts 100 ns from 1970. */
export function eventResponse(record: Record): Streams.ReadResp {
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString(record.id))
    .setStreamIdentifier(identifierOf(record.stream))
    .setStreamRevision(String(record.revision))
    .setCommitPosition(String(record.commit))
    .setPreparePosition(String(record.prepare))
    .setData(record.data)
    .setCustomMetadata(record.metadata);
  recorded.getMetadataMap().set('type', record.type);
  recorded.getMetadataMap().set('content-type', record.contentType);
  recorded.getMetadataMap().set('created', String(BigInt(record.created) * 10_000n));
  return new streams.ReadResp().setEvent(new streams.ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(String(record.commit)));
}

export const confirmation = (id: string) =>
  new streams.ReadResp().setConfirmation(new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId(id));

export const caughtUp = () => new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp());

export const checkpoint = ({ commit, prepare }: LogPosition) =>
  new streams.ReadResp().setCheckpoint(
    new streams.ReadResp.Checkpoint().setCommitPosition(String(commit)).setPreparePosition(String(prepare)),
  );

export const streamNotFound = (stream: string) =>
  new streams.ReadResp().setStreamNotFound(new streams.ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(stream)));

/** server: Services/Transport/Grpc/ServerFeatures.cs. */
export function supportedMethods(): Features.SupportedMethods {
  const methods = ['Append', 'BatchAppend', 'Read', 'Delete', 'Tombstone'].map((name) => {
    const method = new features.SupportedMethod().setMethodName(name.toLowerCase());
    return method.setServiceName('event_store.client.streams.streams');
  });
  return new features.SupportedMethods().setEventStoreServerVersion('23.10.6').setMethodsList(methods);
}

export interface Member {
  host: string;
  port: number;
  state: 'leader' | 'follower';
}

export function clusterInfo(members: readonly Member[]): Gossip.ClusterInfo {
  const infos = members.map(({ host, port, state }, index) => {
    const { LEADER, FOLLOWER } = gossip.MemberInfo.VNodeState;
    const id = new shared.UUID().setString(`00000000-0000-4000-8000-00000000000${index}`);
    const info = new gossip.MemberInfo().setInstanceId(id).setIsAlive(true).setTimeStamp('0');
    return info.setState(state === 'leader' ? LEADER : FOLLOWER).setHttpEndPoint(new gossip.EndPoint().setAddress(host).setPort(port));
  });
  return new gossip.ClusterInfo().setMembersList(infos);
}
