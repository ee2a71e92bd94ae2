// How long things took, as a histogram of Prometheus. The one of prom-client finds the labels anew
// for each measure, which took a tenth of the time of a small answer.

export interface DurationsOptions {
  name: string;
  help: string;
  /** Upper bounds in seconds, ascending. */
  buckets: readonly number[];
}

interface Series {
  /** How many fell into each bucket; what is beyond all of them, into one more. */
  counts: number[];
  sum: number;
}

export class Durations {
  /** By their labels, as they are told. */
  private readonly series = new Map<string, Series>();

  constructor(private readonly options: DurationsOptions) {}

  /** What is told how many seconds a thing with these labels took; to be kept. */
  of(labels: Readonly<Record<string, string | number>>): (seconds: number) => void {
    const told = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(String(value))}`).join(',');
    const { buckets } = this.options;
    const series = this.series.get(told) ?? { counts: [...buckets.map(() => 0), 0], sum: 0 };
    this.series.set(told, series);
    const { counts } = series;
    return (seconds) => {
      let bucket = 0;
      while (bucket < buckets.length && seconds > (buckets[bucket] as number)) bucket += 1;
      counts[bucket] = (counts[bucket] as number) + 1;
      series.sum += seconds;
    };
  }

  /** All of it in the text format. */
  text(): string {
    const { name, help } = this.options;
    const lines = [...this.series].flatMap(([labels, series]) => this.linesOf(labels, series));
    return [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`, ...lines, ''].join('\n');
  }

  private linesOf(labels: string, { counts, sum }: Series): string[] {
    const { name, buckets } = this.options;
    let count = 0;
    const upTo = counts.map((more, bucket) => `${name}_bucket{le="${buckets[bucket] ?? '+Inf'}",${labels}} ${(count += more)}`);
    return [...upTo, `${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`];
  }
}
