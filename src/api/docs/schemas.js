// JSON Schemas as tables: a row a field, those of nested objects by their path.

import { h, inline, pretty, table } from './dom.js';

/** What a reference stands for in the description; anything else stands for itself. */
export function resolve(api, value) {
  if (value?.$ref === undefined) return value ?? {};
  const found = value.$ref.slice(2).split('/').reduce((at, key) => at?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], api);
  return { ...resolve(api, found), ...Object.fromEntries(Object.entries(value).filter(([key]) => key !== '$ref')) };
}

/** The name of the component that a schema refers to; undefined when it is none. */
const nameOf = (schema) => schema?.$ref?.split('/').at(-1);

const linkTo = (name) => h('a', { href: `#schema-${name}` }, name);

/** What kind of value a schema is, in a few words, components as links. */
export function typeOf(api, schema) {
  const name = nameOf(schema);
  if (name !== undefined) return [linkTo(name)];
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap((one, index) => (index === 0 ? typeOf(api, one) : [' or ', ...typeOf(api, one)]));
  const types = [schema.type ?? (schema.enum === undefined ? 'any' : 'string')].flat();
  return types.flatMap((type, index) => [...(index === 0 ? [] : [' or ']), ...namedType(api, schema, type)]);
}

function namedType(api, schema, type) {
  if (type === 'array') return ['list of ', ...typeOf(api, schema.items ?? {})];
  if (type === 'string' && schema.format !== undefined) return [schema.format];
  if (type === 'object' && typeof schema.additionalProperties === 'object') return ['map of ', ...typeOf(api, schema.additionalProperties)];
  return [type];
}

/** The limits of a value: each as a short text. */
export function limitsOf(schema) {
  const { minLength, maxLength, minimum, maximum, exclusiveMinimum, pattern, contains, format } = schema;
  const allowed = schema.enum ?? schema.items?.enum;
  return [
    allowed === undefined ? null : `one of ${valuesText(allowed)}`,
    maxLength === undefined ? null : `${minLength === undefined ? 'up to' : `${minLength} to`} ${maxLength} characters`,
    minimum === undefined ? null : maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? `at least ${minimum}` : `${minimum} to ${maximum}`,
    exclusiveMinimum === undefined ? null : `more than ${exclusiveMinimum}`,
    contains?.const === undefined ? null : `must include ${contains.const}`,
    pattern === undefined || format === 'uuid' ? null : `matches ${pattern}`,
  ].filter((limit) => limit !== null);
}

/** The values, or the first few of many. */
function valuesText(values) {
  const texts = values.filter((value) => value !== null).map(String);
  return texts.length <= 20 ? texts.join(', ') : `${texts.slice(0, 5).join(', ')} … (${texts.length} in all)`;
}

/** The table of a schema's fields; its type alone when it has none. */
export function schemaTable(api, schema, caption) {
  const rows = fieldRows(api, schema, '', new Set());
  if (rows.length === 0) return h('p', { class: 'plain-type' }, typeOf(api, schema), ...limitsOf(schema).map((limit) => `, ${limit}`));
  return table(caption, ['Field', 'Type', 'Limits', 'Description'], rows);
}

/** A row for each field, nested ones after their object. `within` are the components around it, which are not opened again. */
function fieldRows(api, schema, prefix, within) {
  const { properties, required = [], items, additionalProperties } = resolve(api, schema);
  const inside = new Set([...within, nameOf(schema)]);
  if (properties === undefined) {
    const inner = items ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    const open = inner !== undefined && !within.has(nameOf(inner)) && Object.keys(inner).length > 0;
    const place = items === undefined ? '*' : '[]';
    return open ? fieldRows(api, inner, prefix === '' ? `${place}.` : `${prefix.slice(0, -1)}${items === undefined ? '.*' : '[]'}.`, inside) : [];
  }
  return Object.entries(properties).flatMap(([name, field]) => {
    const nested = within.has(nameOf(field)) ? [] : fieldRows(api, field, `${prefix}${name}.`, inside);
    return [fieldRow(api, `${prefix}${name}`, field, required.includes(name)), ...nested];
  });
}

function fieldRow(api, name, field, isRequired) {
  const { description, readOnly, examples } = resolve(api, field);
  return h(
    'tr',
    null,
    h('th', { scope: 'row' }, h('code', null, name), isRequired ? h('span', { class: 'required' }, ' required') : null),
    h('td', null, typeOf(api, field)),
    h('td', { class: 'limits' }, readOnly === true ? 'set by the server' : limitsOf(field).join('; ')),
    h('td', null, inline(description), examples === undefined ? null : h('code', null, ` ${pretty(examples[0])}`)),
  );
}
