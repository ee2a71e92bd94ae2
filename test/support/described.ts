// Holds answers against the description that the service itself serves: the route, the status, the
// headers and the body of each.

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/** What is looked at of an answer. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

interface Described {
  description: string;
  headers?: Record<string, { $ref: string }>;
  content?: Record<string, { schema: object }>;
}

interface Operation {
  responses: Record<string, Described | { $ref: string }>;
}

interface OpenApi {
  servers: { url: string }[];
  paths: Record<string, Record<string, unknown> & { servers?: { url: string }[] }>;
  components: { responses: Record<string, Described>; headers: Record<string, { required?: boolean }> };
}

/** The description of one service, and its validators, made when first needed. */
export class Description {
  private readonly ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  private readonly validators = new Map<string, ValidateFunction>();
  private readonly paths: { pattern: RegExp; path: string }[];

  constructor(readonly document: OpenApi) {
    this.ajv.addSchema(document, 'api');
    this.paths = Object.entries(document.paths).map(([path, { servers = document.servers }]) => {
      const whole = `${servers[0]?.url.replace(/\/$/, '')}${path}`;
      return { path, pattern: new RegExp(`^${whole.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`) };
    });
    // As the service tries them: the more fixed text, the earlier.
    this.paths.sort((a, b) => fixedLength(b.path) - fixedLength(a.path));
  }

  /** What is wrong with an answer to `method` of `url`, a path without its query; none: nothing. */
  faults(method: string, url: string, answer: Answer): string[] {
    const found = this.response(method, url, answer.status);
    if (typeof found === 'string') return [found];
    const { described, pointer } = found;
    return [...this.headerFaults(described, answer.headers), ...this.bodyFaults(described, pointer, answer, method)];
  }

  private response(method: string, url: string, status: number): { described: Described; pointer: string } | string {
    const path = this.paths.find(({ pattern }) => pattern.test(url))?.path;
    const name = method === 'HEAD' ? 'get' : method.toLowerCase();
    const operation = path === undefined ? undefined : (this.document.paths[path]?.[name] as Operation | undefined);
    if (path === undefined || operation === undefined) {
      const code = path === undefined ? 'NOT_FOUND' : 'METHOD_NOT_ALLOWED';
      // Before it is looked for, a request may be refused for what every one may be.
      const shared = { 401: 'UNAUTHORIZED', 429: 'RATE_LIMIT_EXCEEDED' }[status] ?? code;
      if (status !== (path === undefined ? 404 : 405) && shared === code) return `there is no ${method} ${url} in the description`;
      return this.shared(shared);
    }
    const response = operation.responses[status];
    if (response === undefined) return `${method} ${path} does not describe the status ${status}`;
    if ('$ref' in response) return this.shared(response.$ref.split('/').at(-1) ?? '');
    return { described: response, pointer: `#/paths/${escape(path)}/${name}/responses/${status}` };
  }

  private shared(name: string): { described: Described; pointer: string } {
    return { described: this.document.components.responses[name] as Described, pointer: `#/components/responses/${name}` };
  }

  private headerFaults({ headers = {} }: Described, sent: Headers): string[] {
    const known = new Set(Object.keys(this.document.components.headers).map((name) => name.replace('-Always', '')));
    const unsaid = [...known].filter((name) => sent.has(name) && headers[name] === undefined).map((name) => `header ${name} is not described`);
    const missing = Object.entries(headers).filter(([name, { $ref }]) => {
      return this.document.components.headers[$ref.split('/').at(-1) ?? '']?.required === true && !sent.has(name);
    });
    return [...unsaid, ...missing.map(([name]) => `header ${name} is missing`)];
  }

  private bodyFaults({ content }: Described, pointer: string, { headers, text }: Answer, method: string): string[] {
    if (method === 'HEAD') return [];
    if (content === undefined) return text === '' ? [] : ['a body where none is described'];
    const type = headers.get('Content-Type')?.split(';')[0] ?? '';
    if (content[type] === undefined) return [`the media type ${type} is not described`];
    // NDJSON is no JSON.
    if (!/[/+]json$/.test(type)) return [];
    const validate = this.validator(`${pointer}/content/${escape(type)}/schema`);
    validate(JSON.parse(text));
    return (validate.errors ?? []).map(({ instancePath, message }) => `body${instancePath} ${message}`);
  }

  /** The validator of the schema at a place of the document. */
  validator(pointer: string): ValidateFunction {
    const known = this.validators.get(pointer);
    if (known !== undefined) return known;
    const made = this.ajv.compile({ $ref: `api${pointer}` });
    this.validators.set(pointer, made);
    return made;
  }
}

const escape = (segment: string) => encodeURIComponent(segment.replaceAll('~', '~0').replaceAll('/', '~1'));

const fixedLength = (path: string) => (path.includes('{') ? path.indexOf('{') : Number.POSITIVE_INFINITY);

let known: Promise<Description> | undefined;

/** The description that a service of this build serves, asked of the first. */
export function descriptionOf(origin: string): Promise<Description> {
  known ??= fetch(`${origin}/openapi.json`).then(async (response) => new Description((await response.json()) as OpenApi));
  known.catch(() => (known = undefined));
  return known;
}

/** @throws Error when the answer is not one that the service describes */
export async function expectDescribed(url: string, method: string, answer: Answer): Promise<void> {
  const { origin, pathname } = new URL(url);
  const faults = (await descriptionOf(origin)).faults(method, pathname, answer);
  if (faults.length > 0) throw new Error(`${method} ${pathname} → ${answer.status} is not as described: ${faults.join('; ')}\n${answer.text.slice(0, 500)}`);
}
