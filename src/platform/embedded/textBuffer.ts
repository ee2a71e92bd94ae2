// Bytes gathered in memory that is used again: a text of a megabyte need not be made first.

const FIRST_BYTES = 256 * 1_024;
/** The most that is kept for the next time. */
const KEPT_BYTES = 4_194_304;

export class TextBuffer {
  private buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** How many bytes there are. */
  length = 0;

  /** Adds text that is in UTF-8 already, a character for each byte. */
  add(bytes: string): void {
    this.reserve(bytes.length);
    this.length += this.buffer.write(bytes, this.length, 'latin1');
  }

  /** The bytes, in memory of their own; none are left. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = Buffer.allocUnsafeSlow(this.length);
    this.buffer.copy(taken, 0, 0, this.length);
    this.clear();
    return taken;
  }

  clear(): void {
    this.length = 0;
    if (this.buffer.length > KEPT_BYTES) this.buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.length + bytes, 2 * this.buffer.length));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
