// JSON that is made once and answered often.

/**
 * JSON in UTF-8, each byte a character: Node writes that together with the headers, and faster than
 * text of which it must find out how long it is and how it is encoded.
 */
export type RenderedJson = string & { readonly rendered: unique symbol };

export function renderJson(value: unknown): RenderedJson {
  return renderText(JSON.stringify(value));
}

/** As `renderJson`, of what is JSON already. */
export function renderText(json: string): RenderedJson {
  return Buffer.from(json).toString('latin1') as RenderedJson;
}
