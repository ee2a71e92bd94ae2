// What the routes of contacts and of companies share: reading, listing and answering a resource.

import type { z } from 'zod';
import type { CommandContext, Outcome } from '../../commands/handle.js';
import type { FieldIssue } from '../../domain/decision.js';
import type { Entity } from '../../domain/entity.js';
import type { JsonObject } from '../../domain/json.js';
import type { ListPage, ListQuery, Shown } from '../../ports/readStore.js';
import { BASE_PATH } from '../routing.js';
import { answerMade, commandContext, type ApiContext } from '../context.js';
import { refused, type ApiError } from '../errors.js';
import { clientHas, etagOf, preconditions } from '../etag.js';
import type { Answer } from '../idempotency.js';
import { pageBody } from '../paging.js';
import { renderJson, type RenderedJson } from '../rendered.js';
import type { ListParameters } from '../schemas/queries.js';
import { fullView } from '../views.js';

/** Answers with one resource, or 304 when the client has it. @throws ApiError `notFound` when there is none */
export function answerResource(ctx: ApiContext, shown: Shown<Entity> | null, notFound: () => ApiError): void {
  if (shown === null) throw notFound();
  const etag = etagOf(shown.revision, shown.dangling);
  ctx.state.head.push('ETag', etag);
  if (clientHas(ctx, etag)) ctx.status = 304;
  else answerMade(ctx, renderingOf(shown.document));
}

/** What was made of documents, for as long as somebody keeps them: stores keep those that are read often. */
const renderings = new WeakMap<Entity, RenderedJson>();

function renderingOf(document: Entity): RenderedJson {
  const known = renderings.get(document);
  if (known !== undefined) return known;
  const rendering = renderJson(fullView(document));
  renderings.set(document, rendering);
  return rendering;
}

/** Answers with a page of a list. */
export async function answerList(ctx: ApiContext, asked: ListParameters, list: (query: ListQuery) => Promise<ListPage<Entity>>): Promise<void> {
  const { query, page, byCursor } = asked;
  const { items, total, next } = await list(query);
  const { limit, orderBy, direction } = query;
  const data = items.map(({ document }) => fullView(document));
  ctx.body = pageBody(ctx, data, { total, page, limit, next, orderBy, direction, byCursor });
}

/** The answer to a command that created `entity`. */
export function created(path: string, entity: Entity, revision: number): Answer {
  const headers = { Location: `${BASE_PATH}${path}/${entity.id}`, ETag: etagOf(revision) };
  return { status: 201, headers, body: fullView(entity) };
}

/** Answers with what a command made of a resource. */
export function answerChanged(ctx: ApiContext, entity: Entity, revision: number): void {
  ctx.state.head.push('ETag', etagOf(revision));
  answerMade(ctx, renderJson(fullView(entity)));
}

/**
 * Has `find` say what else is wrong with a body that does not fit, of what is left of it, where
 * `schema` takes that: a name that was wrong is out of it and stood in for.
 */
export function besides<Schema extends z.ZodType>(schema: Schema, find: (ctx: ApiContext, rest: z.output<Schema>) => Promise<FieldIssue[]>) {
  return async (ctx: ApiContext, rest: JsonObject): Promise<FieldIssue[]> => {
    const { success, data } = schema.safeParse({ name: 'unnamed', ...rest });
    return success ? find(ctx, data) : [];
  };
}

/** The state after a command. @throws ApiError when it came to nothing */
export function stateOf<State>(outcome: Outcome<State>): { state: State; revision: number } {
  if (!outcome.done) throw refused(outcome.refusal);
  return outcome;
}

/** The context of a write that may insist on what is there. */
export function conditionalContext(ctx: ApiContext): CommandContext {
  return { ...commandContext(ctx), ...preconditions(ctx) };
}
