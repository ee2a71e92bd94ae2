// JSON as the text that `JSON.stringify` makes, put together and changed without being taken apart.

/** Where a member's value stands in the text of an object: from `start`, before `end`. */
export interface Place {
  start: number;
  end: number;
}

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** What JSON cannot hold as it is, and all that is not ASCII. */
const NOT_PLAIN = /[^\x20-\x7e]|["\\]/;

/** A text as JSON. Most need no more than quotes: to see that takes half the time of `JSON.stringify`. */
export function quoted(text: string): string {
  return NOT_PLAIN.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** The member `key` of the object; null when it has none, or the text is no object. */
export function memberOf(object: string, key: string): Place | null {
  const name = `"${key}"`;
  if (object.charCodeAt(0) !== OPEN_OBJECT) return null;
  for (let at = 1; object.charCodeAt(at) === QUOTE; ) {
    const start = endOfString(object, at) + 1;
    const end = endOfValue(object, start);
    if (start - at === name.length + 1 && object.startsWith(name, at)) return { start, end };
    if (object.charCodeAt(end) !== COMMA) return null;
    at = end + 1;
  }
  return null;
}

/** The object without its member `key`, which stands at `place`. */
export function withoutMember(object: string, key: string, { start, end }: Place): string {
  const from = start - key.length - 3;
  const isFirst = object.charCodeAt(from - 1) === OPEN_OBJECT;
  if (!isFirst) return object.slice(0, from - 1) + object.slice(end);
  return object.slice(0, from) + object.slice(object.charCodeAt(end) === COMMA ? end + 1 : end);
}

/** The object of the members of both, which have none in common; null when one of them is no object. */
export function joinObjects(first: string, second: string): string | null {
  if (first.charCodeAt(0) !== OPEN_OBJECT || second.charCodeAt(0) !== OPEN_OBJECT) return null;
  if (first.length === 2) return second;
  return second.length === 2 ? first : `${first.slice(0, -1)},${second.slice(1)}`;
}

/** Behind the string that begins at `start`; behind the text when it has no end. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end + 1;
  }
  return text.length;
}

/** Behind the value that begins at `start`. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (code === OPEN_OBJECT || code === OPEN_ARRAY) depth += 1;
    else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      if (depth === 0) return at;
      depth -= 1;
    } else if (code === COMMA && depth === 0) return at;
  }
  return text.length;
}
