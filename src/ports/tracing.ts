// Spans, by the OpenTelemetry API: a port already, which does nothing where no SDK is configured.
// A span belongs to a request that is traced; outside of one nothing is.

import { context, propagation, ProxyTracerProvider, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Attributes, type Context, type Span } from '@opentelemetry/api';

const NAME = 'contacts-api';
const tracer = trace.getTracer(NAME);

/** Whether an SDK is configured, so that making spans may come to something. */
export function isTraced(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(NAME) !== undefined;
}

/** Carries out `work` within a span, when the request it is for is traced. What `work` throws marks it as failed. */
export function traced<Result>(name: string, attributes: () => Attributes, work: () => Promise<Result>): Promise<Result> {
  if (callerTrace() === null) return work();
  return within(tracer.startSpan(name, { attributes: attributes() }), context.active(), work);
}

/**
 * Carries out `work` within the span of a request, a child of what the headers' `traceparent` names.
 * `work` is given the span; null: nobody looks.
 */
export async function tracedRequest<Result>(name: string, headers: object, work: (span: Span | null) => Promise<Result>): Promise<Result> {
  const from = propagation.extract(ROOT_CONTEXT, headers);
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, from);
  return span.isRecording() ? within(span, from, () => work(span)) : work(null);
}

/** Where spans belong that are made for the caller later, when another's work is at hand; null: nobody looks. */
export function callerTrace(): Context | null {
  const active = context.active();
  return trace.getSpan(active)?.isRecording() === true ? active : null;
}

/** A span of work that was done for `caller` among others. Times in ms since 1970. */
export function recordSpan(caller: Context, name: string, attributes: Attributes, startTime: number, endTime: number): void {
  tracer.startSpan(name, { attributes, startTime }, caller).end(endTime);
}

async function within<Result>(span: Span, from: Context, work: () => Promise<Result>): Promise<Result> {
  try {
    return await context.with(trace.setSpan(from, span), work);
  } catch (error) {
    // Its name alone: a message may hold what came in a request.
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'unknown' });
    throw error;
  } finally {
    span.end();
  }
}
