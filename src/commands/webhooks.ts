// Creates, changes, disables and deletes webhook endpoints, and makes their secrets. A secret stands
// in no event: it is sealed with a key of the endpoint's own and kept beside the endpoint.

import { randomBytes } from 'node:crypto';
import type { WebhookEndpointEvent } from '../domain/events/registry.js';
import type { WebhookEndpointFields } from '../domain/events/webhookEvents.js';
import { webhookStream } from '../domain/streams.js';
import {
  decideWebhookEndpoint,
  evolveWebhookEndpoint,
  initialWebhookEndpoint,
  SECRET_OVERLAP_MS,
  type DisabledReason,
  type WebhookEndpointCommand,
  type WebhookEndpointPatch,
  type WebhookEndpointState,
} from '../domain/webhookEndpoint.js';
import type { KeySubject } from '../ports/keyStore.js';
import type { Vault } from '../ports/vault.js';
import type { EndpointRef, WebhookEndpoints } from '../ports/webhookEndpoints.js';
import type { Aggregate, CommandContext, CommandHandler, Outcome } from './handle.js';
import { KeyedQueue } from './keyedQueue.js';

/** How many random bytes a secret has. */
const SECRET_BYTES = 32;

const webhookAggregate: Aggregate<WebhookEndpointState, WebhookEndpointEvent> = {
  initial: initialWebhookEndpoint,
  evolve: evolveWebhookEndpoint,
};

type Done = Extract<Outcome<WebhookEndpointState>, { done: true }>;

/** What became of a command that makes a secret. */
export type WithSecret = (Done & { secret: string }) | Exclude<Outcome<WebhookEndpointState>, Done>;

/** Whose key seals an endpoint's secrets. */
export const secretSubject = ({ organizationId, endpointId }: EndpointRef): KeySubject => ({
  organizationId,
  id: `webhook/${endpointId}`,
});

/** What binds a sealed secret to its endpoint. */
export const secretContext = ({ endpointId }: EndpointRef): string => `secret of ${endpointId}`;

export class WebhookCommands {
  private readonly creations = new KeyedQueue();

  /** `changed` is told of each endpoint that changed, so that what it waits for can begin. */
  constructor(
    private readonly handler: CommandHandler,
    private readonly endpoints: WebhookEndpoints,
    private readonly vault: Vault,
    private readonly changed: (ref: EndpointRef) => void,
  ) {}

  /** Creates an endpoint and its first secret, which is on disk before the endpoint is. */
  async create(context: CommandContext, fields: WebhookEndpointFields): Promise<WithSecret> {
    const { organizationId } = context;
    const endpointId = context.reserved?.aggregateId ?? this.handler.ids.next();
    const ref = { organizationId, endpointId };
    // One after another, so that the limit holds; copies of the service that create at the same moment may pass it by one each.
    const outcome = await this.creations.run(organizationId, async () => {
      const created = await this.handler.execute(webhookAggregate, webhookStream(organizationId, endpointId), context, async ({ state }) => {
        const others = (await this.endpoints.list(organizationId)).length;
        const decision = decideWebhookEndpoint(state, { type: 'create', id: endpointId, fields, others });
        if (decision.accepted) await this.secretOf(ref, endpointId);
        return decision;
      });
      return this.show(ref, created);
    });
    return outcome.done ? this.withSecret(ref, outcome, endpointId) : outcome;
  }

  /** Changes an endpoint by a merge patch. */
  update(context: CommandContext, endpointId: string, patch: WebhookEndpointPatch): Promise<Outcome<WebhookEndpointState>> {
    return this.execute(context, endpointId, { type: 'update', patch });
  }

  /** Makes a new secret; those before it sign beside it for 24 hours more. */
  async rotateSecret(context: CommandContext, endpointId: string): Promise<WithSecret> {
    const now = this.handler.clock.now().toISOString();
    const outcome = await this.execute(context, endpointId, { type: 'rotateSecret', now });
    if (!outcome.done) return outcome;
    return this.withSecret({ organizationId: context.organizationId, endpointId }, outcome, outcome.events[0]?.id ?? '');
  }

  /** Disables an endpoint for what its answers said; `cause` is the delivery, and its event, that settled it. */
  async disable(ref: EndpointRef, reason: DisabledReason, cause: { id: string; eventId: string | null }): Promise<void> {
    const { organizationId, endpointId } = ref;
    const context = {
      organizationId,
      actor: { sub: 'webhooks' },
      requestId: cause.id,
      correlationId: cause.id,
      causationId: cause.eventId,
    };
    await this.execute(context, endpointId, { type: 'disable', reason });
  }

  /** Deletes an endpoint; its secrets are destroyed, and nothing more is sent to it. */
  async delete(context: CommandContext, endpointId: string): Promise<Outcome<WebhookEndpointState>> {
    const outcome = await this.execute(context, endpointId, { type: 'delete' });
    if (outcome.done) await this.vault.destroy(secretSubject({ organizationId: context.organizationId, endpointId }));
    return outcome;
  }

  private async execute(context: CommandContext, endpointId: string, command: WebhookEndpointCommand): Promise<Outcome<WebhookEndpointState>> {
    const { organizationId } = context;
    const outcome = await this.handler.execute(webhookAggregate, webhookStream(organizationId, endpointId), context, ({ state }) =>
      decideWebhookEndpoint(state, command),
    );
    return this.show({ organizationId, endpointId }, outcome);
  }

  /** Shows the endpoint as the command left it. */
  private async show(ref: EndpointRef, outcome: Outcome<WebhookEndpointState>): Promise<Outcome<WebhookEndpointState>> {
    const last = outcome.done ? outcome.events.at(-1) : undefined;
    if (!outcome.done || last === undefined) return outcome;
    const { state, revision } = outcome;
    if (state.phase === 'live') await this.endpoints.put(state.endpoint, revision, last.revision === 0 ? last.position : null);
    if (state.phase === 'deleted') await this.endpoints.remove(ref, revision);
    this.changed(ref);
    return outcome;
  }

  private async withSecret(ref: EndpointRef, outcome: Done, madeBy: string): Promise<WithSecret> {
    const secret = await this.secretOf(ref, madeBy);
    return secret === null ? { done: false, refusal: { code: 'WEBHOOK_NOT_FOUND' } } : { ...outcome, secret };
  }

  /** The secret that `madeBy` is for: made and kept when there is none yet; null when the endpoint is deleted. */
  private async secretOf(ref: EndpointRef, madeBy: string): Promise<string | null> {
    const [subject, context] = [secretSubject(ref), secretContext(ref)];
    const fresh = `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
    const box = await this.vault.seal(subject, Buffer.from(fresh), context);
    if (box === null) return null;
    const overlapUntil = new Date(this.handler.clock.now().getTime() + SECRET_OVERLAP_MS);
    const stored = await this.endpoints.addSecret(ref, { eventId: madeBy, box }, overlapUntil);
    return (await this.vault.open(subject, stored.box, context))?.toString() ?? null;
  }
}
