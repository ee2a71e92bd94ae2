// The AsyncAPI 3.0 document of the service: the stream of events, to read or to follow, and the
// webhooks; made from the schemas that events are checked by.

import { publishedSchemas, publishedTypes, TYPE_PREFIX, type PublishedType } from '../../domain/events/published.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { Components } from '../openapi/schemas.js';
import { headersOf, sentTopics, webhookPayload, type Topic } from '../openapi/webhooks.js';
import { BASE_PATH } from '../routing.js';
import { cloudEventSchema, eventsParameters, eventsPageSchema, streamParameters } from '../schemas/events.js';
import { serviceVersion } from '../version.js';

const description = `Every event of an organization's contacts and companies, from the first on and in order, as CloudEvents 1.0; and the webhooks.

The \`dataschema\` of an event leads to the schema of its \`data\` in this document. What was personal of an erased contact reads as \`[erased]\`.`;

/** The document. */
export function asyncApiDocument(): JsonObject {
  const components = new Components();
  const messages = {
    ...Object.fromEntries(publishedTypes.map((type) => [type, eventMessage(type, components)])),
    EventsPage: { title: 'A page of events', contentType: 'application/json', payload: components.of(eventsPageSchema, 'output') },
    ...Object.fromEntries(sentTopics.map((topic) => [topic, webhookMessage(topic, components)])),
  };
  return {
    asyncapi: '3.0.0',
    info: { title: 'Contacts API', version: serviceVersion(), description },
    defaultContentType: 'application/json',
    servers: {
      service: { ...server('http', 'localhost:3000', 'Where the service runs'), pathname: BASE_PATH, security: [{ $ref: '#/components/securitySchemes/bearer' }] },
      endpoint: server('https', 'crm.example.com', 'Where a webhook endpoint was registered to be'),
    },
    channels: {
      stream: channel('service', '/events/stream', 'The stream, as Server-Sent Events: `id` is the position, `data` the event.', publishedTypes),
      pages: channel('service', '/events', 'The same events page by page.', ['EventsPage']),
      webhooks: channel('endpoint', null, 'What is sent to webhook endpoints; the path is the one registered.', sentTopics),
    },
    operations: {
      followEvents: sends('stream', 'Follow events', { method: 'GET', query: components.of(streamParameters, 'input') }),
      readEvents: sends('pages', 'Read events', { method: 'GET', query: components.of(eventsParameters, 'input') }),
      sendWebhooks: sends('webhooks', 'Tell endpoints of what happens, at least once', { method: 'POST' }),
    },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      messages,
      schemas: components.schemas,
    },
  };
}

function server(protocol: string, host: string, about: string): JsonObject {
  return { host: '{host}', protocol, variables: { host: { default: host, description: about } } };
}

function channel(at: string, address: string | null, about: string, messages: readonly string[]): JsonObject {
  return {
    address,
    description: about,
    servers: [{ $ref: `#/servers/${at}` }],
    messages: Object.fromEntries(messages.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
  };
}

function sends(name: string, summary: string, http: JsonObject): JsonObject {
  return { action: 'send', channel: { $ref: `#/channels/${name}` }, summary, bindings: { http: { ...http, bindingVersion: '0.3.0' } } };
}

/** A CloudEvent with the type's own data, whose schema is a component of the type's name. */
function eventMessage(type: PublishedType, components: Components): JsonObject {
  const data = components.of(publishedSchemas[type].meta({ id: type }), 'output');
  const own = { type: 'object', properties: { type: { const: TYPE_PREFIX + type }, data } };
  return {
    name: TYPE_PREFIX + type,
    title: type,
    contentType: 'application/cloudevents+json',
    payload: { allOf: [components.of(cloudEventSchema, 'output'), own] as Json[] },
  };
}

function webhookMessage(topic: Topic, components: Components): JsonObject {
  const { schema, example, summary } = webhookPayload(topic);
  const fields = Object.fromEntries(headersOf(topic).map(({ name, description: about }) => [name, { type: 'string', description: about }]));
  return {
    name: topic,
    summary,
    contentType: 'application/json',
    headers: { type: 'object', required: Object.keys(fields), properties: fields },
    payload: components.of(schema, 'output'),
    examples: [{ payload: example }],
  };
}
