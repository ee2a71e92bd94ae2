// Zod schemas as JSON Schema 2020-12, by zod's own conversion. Those with an `id` become named
// components, which others refer to.

import { z } from 'zod';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';

/** What came in a request, or what goes out in an answer: of a transforming schema, one side or the other. */
export type Side = 'input' | 'output';

export class Components {
  readonly schemas: JsonObject = {};
  /** Answers that operations share, by name. */
  readonly responses: JsonObject = {};

  /** The schema as JSON Schema; what of it is named goes to the components. */
  of(schema: z.ZodType, side: Side): JsonObject {
    // Within an object, so that a named schema is a reference here, too.
    const converted = z.toJSONSchema(z.object({ it: schema }), { io: side, unrepresentable: 'any' });
    const { properties, $defs } = withComponentRefs(converted as unknown as JsonObject);
    for (const [name, definition] of Object.entries(isJsonObject($defs) ? $defs : {})) this.add(name, tidy(definition));
    return tidy((properties as JsonObject).it as Json) as JsonObject;
  }

  private add(name: string, definition: Json): void {
    const known = this.schemas[name];
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(definition)) {
      throw new TypeError(`two schemas are named ${name}`);
    }
    this.schemas[name] = definition;
  }
}

function withComponentRefs(schema: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonObject;
}

/** The same schema in fewer words: what may be null says so in its type, as zod itself does for plain types. */
function tidy(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(tidy);
  if (!isJsonObject(schema)) return schema;
  const { nullIsAbsent, ...rest } = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, tidy(value)]));
  return nullIsAbsent === true ? withNullsAllowed(rest) : foldNull(rest);
}

/** `anyOf: [typed, null]` as one typed schema. */
function foldNull(schema: JsonObject): JsonObject {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf) || anyOf.length !== 2) return schema;
  const [main, other] = anyOf as JsonObject[];
  if (main === undefined || other?.type !== 'null' || typeof main.type !== 'string') return schema;
  return { ...nullable(main), ...rest };
}

/** Every field that need not be sent may also be null. */
function withNullsAllowed(schema: JsonObject): JsonObject {
  const { properties, required } = schema;
  if (!isJsonObject(properties)) return schema;
  const isNeeded = (name: string) => Array.isArray(required) && required.includes(name);
  const allowed = Object.entries(properties).map(([name, field]): [string, Json] => {
    const plain = isJsonObject(field) && typeof field.type === 'string' && !isNeeded(name);
    return [name, plain ? nullable(field) : field];
  });
  return { ...schema, properties: Object.fromEntries(allowed) };
}

function nullable(schema: JsonObject): JsonObject {
  const { type, enum: values } = schema;
  return { ...schema, type: [type as string, 'null'], ...(Array.isArray(values) ? { enum: [...values, null] } : {}) };
}
