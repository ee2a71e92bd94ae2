// Text that stays the same, for whoever asks: compressed once, not for each.

import type { Context } from 'koa';
import { gzipSync } from 'node:zlib';

/** Text below this many bytes is sent as it is. */
export const COMPRESS_FROM_BYTES = 2_048;

export class FixedText {
  private gzipped: Buffer | undefined;

  constructor(
    private readonly text: string,
    private readonly type: string,
  ) {}

  /** Makes it the body of an answer. */
  answer(ctx: Context): void {
    ctx.type = this.type;
    ctx.body = this.text;
    if (this.text.length < COMPRESS_FROM_BYTES || ctx.acceptsEncodings('gzip', 'deflate', 'identity') !== 'gzip') return;
    ctx.set('Content-Encoding', 'gzip');
    ctx.body = this.gzipped ??= gzipSync(this.text);
  }
}
