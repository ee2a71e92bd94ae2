// Traces: where an SDK is configured, a request's spans hang together from HTTP to projection,
// across the queue in which writes wait for one another.

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { context, propagation, trace, SpanKind } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import pino from 'pino';
import { observed } from '../../src/api/middleware/observed.js';
import { EventStoreDouble } from '../support/eventStoreDouble/index.js';
import { startTestService, type TestService } from '../support/service.js';

const exporter = new InMemorySpanExporter();
let service: TestService;
beforeAll(async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator({
    fields: () => ['traceparent'],
    inject: () => undefined,
    extract: (from, carrier, getter) => {
      const [, traceId = '', spanId = ''] = String(getter.get(carrier, 'traceparent') ?? '').split('-');
      return spanId === '' ? from : trace.setSpanContext(from, { traceId, spanId, traceFlags: 1, isRemote: true });
    },
  });
  service = await startTestService();
});
afterAll(async () => {
  await service.stop();
  trace.disable();
  context.disable();
  propagation.disable();
});
beforeEach(() => exporter.reset());

interface Tree {
  [name: string]: Tree;
}

/** Names of spans by their parents', below the span of that id. */
function treeBelow(spans: ReadableSpan[], parentId: string): Tree {
  const children = spans.filter((span) => span.parentSpanContext?.spanId === parentId);
  return Object.fromEntries(children.map((span) => [span.name, treeBelow(spans, span.spanContext().spanId)]));
}

const projected = { 'project contacts': {}, 'project companies': {}, 'project endpoints': {} };

test('a write is a tree: request, command, append, projection; below what the client sent', async () => {
  const [traceId, parentId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  const reply = await service.client().post('/contacts', { name: 'Traced' }, { traceparent: `00-${traceId}-${parentId}-01` });
  expect(reply.status).toBe(201);
  const spans = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
  expect(treeBelow(spans, parentId)).toEqual({ 'POST /contacts': { command: { append: projected } } });
  const request = spans.find(({ kind }) => kind === SpanKind.SERVER);
  expect(request?.attributes).toEqual({
    'http.route': '/contacts',
    'http.request.method': 'POST',
    'http.response.status_code': 201,
    'contacts.request_id': reply.headers.get('X-Request-Id'),
  });
});

test('writes that share a transaction each keep their own tree', async () => {
  const client = service.client();
  await Promise.all(Array.from({ length: 10 }, () => client.post('/contacts', { name: 'Together' })));
  const spans = exporter.getFinishedSpans();
  const roots = spans.filter(({ name }) => name === 'POST /contacts');
  expect(new Set(roots.map((span) => span.spanContext().traceId)).size).toBe(10);
  for (const root of roots) expect(treeBelow(spans, root.spanContext().spanId)).toEqual({ command: { append: projected } });
});

test('writes that queue for one contact keep their own trees, too', async () => {
  const client = service.client();
  const { id } = (await client.post('/contacts', { name: 'Queued' })).body;
  exporter.reset();
  await Promise.all(Array.from({ length: 5 }, (_, index) => client.put(`/contacts/${id}`, { code: `c${index}` })));
  const spans = exporter.getFinishedSpans();
  const roots = spans.filter(({ name }) => name === 'PUT /contacts/{id}');
  expect(roots.length).toBe(5);
  for (const root of roots) expect(treeBelow(spans, root.spanContext().spanId)).toEqual({ command: { append: projected } });
});

test('on EventStoreDB the tree is the same, but for projections that the write does not concern', async () => {
  const double = await EventStoreDouble.start();
  const onServer = await startTestService({ EVENTSTORE_URL: double.url });
  try {
    await onServer.client().post('/contacts', { name: 'Traced' });
    const spans = exporter.getFinishedSpans();
    const [root] = spans.filter(({ kind }) => kind === SpanKind.SERVER);
    expect(treeBelow(spans, root?.spanContext().spanId ?? '')).toEqual({ command: { append: { 'project contacts': {} } } });
  } finally {
    await onServer.stop();
    await double.stop();
  }
});

test('the line that the log has of a request names its trace', async () => {
  const lines: string[] = [];
  const observe = observed(pino({ base: null }, { write: (line) => lines.push(line) }), () => () => undefined);
  const headers = { 'x-request-id': 'r1' };
  const ctx = { state: { route: '/contacts' }, method: 'GET', headers, req: { headers }, res: { statusCode: 200 } };
  await observe(ctx as never, async () => undefined);
  const [span] = exporter.getFinishedSpans();
  const line = { requestId: 'r1', traceId: span?.spanContext().traceId, method: 'GET', route: '/contacts', status: 200, msg: 'request' };
  expect(lines.map((text) => JSON.parse(text) as object)).toEqual([expect.objectContaining(line)]);
});

test('no span holds what is personal', async () => {
  const client = service.client('org_traced', { sub: 'nameable-actor' });
  const { id } = (await client.post('/contacts', { name: 'Nameable', email: 'nameable@example.com' })).body;
  await client.get(`/contacts/${id}`);
  await client.put(`/contacts/${id}`, { email: 'no address' });
  const said = JSON.stringify(exporter.getFinishedSpans().map(({ name, attributes, status, events }) => ({ name, attributes, status, events })));
  expect(said).toContain('GET /contacts/{id}');
  for (const secret of ['ameable', 'org_traced', id]) expect(said).not.toContain(secret);
});
