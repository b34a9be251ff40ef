/** Names of a metric's labels, in order. */
type LabelNames = readonly string[];

/** One value per label name. */
type LabelValues<Names extends LabelNames> = { readonly [Index in keyof Names]: string };

/** A number that only grows. */
export interface Counter<Names extends LabelNames> {
  add(amount: number, ...labels: LabelValues<Names>): void;
}

/** A number that goes up and down. */
export interface Gauge<Names extends LabelNames> {
  set(value: number, ...labels: LabelValues<Names>): void;
  add(amount: number, ...labels: LabelValues<Names>): void;
}

/** A distribution over fixed buckets. */
export interface Histogram<Names extends LabelNames> {
  observe(value: number, ...labels: LabelValues<Names>): void;
}

interface Metric {
  render(): string;
}

// The label value that takes everything beyond a metric's limit of series.
const OVERFLOW = "overflow";

// A character that no label value of ours has, so that joined keys stay distinct.
const SEPARATOR = "\u0000";

const NAME = /^[a-z][a-z0-9_]*$/;

/** All metrics of the process, kept by hand and put into Prometheus text on scrape. */
export class Metrics {
  readonly #metrics = new Map<string, Metric>();
  readonly #maxSeries: number;
  readonly #beforeScrape: (() => void)[] = [];

  /** `maxSeries` is per metric; what is beyond it is counted under the label value `overflow`. Unset: 1000. */
  constructor(options: { maxSeries?: number } = {}) {
    this.#maxSeries = options.maxSeries ?? 1000;
  }

  /** A counter; its name ends in `_total`. Throws `RangeError` for a name that is bad or taken. */
  counter<const Names extends LabelNames>(name: string, help: string, labels: Names): Counter<Names> {
    return this.#register(name, new NumberMetric<Names>("counter", name, help, labels, this.#maxSeries));
  }

  /** A gauge. Throws `RangeError` for a name that is bad or taken. */
  gauge<const Names extends LabelNames>(name: string, help: string, labels: Names): Gauge<Names> {
    return this.#register(name, new NumberMetric<Names>("gauge", name, help, labels, this.#maxSeries));
  }

  /** A number without labels that is read on scrape. */
  read(kind: "counter" | "gauge", name: string, help: string, value: () => number): void {
    const metric = this.#register(name, new NumberMetric<[]>(kind, name, help, [], 1));
    this.#beforeScrape.push(() => metric.set(value()));
  }

  /** A histogram; `buckets` are upper bounds in ascending order, without infinity. */
  histogram<const Names extends LabelNames>(
    name: string,
    help: string,
    labels: Names,
    buckets: readonly number[],
  ): Histogram<Names> {
    return this.#register(name, new HistogramMetric<Names>(name, help, labels, buckets, this.#maxSeries));
  }

  /** Everything in the Prometheus text format, version 0.0.4. */
  render(): string {
    for (const read of this.#beforeScrape) read();
    let text = "";
    for (const metric of this.#metrics.values()) text += metric.render();
    return text;
  }

  #register<M extends Metric>(name: string, metric: M): M {
    if (!NAME.test(name)) throw new RangeError(`Cannot register the metric ${name}: its name is not snake_case`);
    if (this.#metrics.has(name)) throw new RangeError(`Cannot register the metric ${name}: its name is taken`);
    this.#metrics.set(name, metric);
    return metric;
  }
}

class NumberMetric<Names extends LabelNames> implements Counter<Names>, Gauge<Names> {
  readonly #kind: "counter" | "gauge";
  readonly #name: string;
  readonly #help: string;
  readonly #labels: Names;
  readonly #maxSeries: number;
  readonly #values = new Map<string, number>();

  constructor(kind: "counter" | "gauge", name: string, help: string, labels: Names, maxSeries: number) {
    this.#kind = kind;
    this.#name = name;
    this.#help = help;
    this.#labels = labels;
    this.#maxSeries = maxSeries;
    // A metric without labels exists from the start: a missing one would read as "not scraped".
    if (labels.length === 0) this.#values.set("", 0);
  }

  add(amount: number, ...labels: LabelValues<Names>): void {
    const key = this.#key(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + amount);
  }

  set(value: number, ...labels: LabelValues<Names>): void {
    this.#values.set(this.#key(labels), value);
  }

  render(): string {
    let text = head(this.#name, this.#help, this.#kind);
    for (const [key, value] of this.#values)
      text += `${this.#name}${labelText(this.#labels, key)} ${numberText(value)}\n`;
    return text;
  }

  #key(labels: readonly string[]): string {
    return seriesKey(this.#values, labels, this.#maxSeries);
  }
}

interface Distribution {
  readonly counts: number[];
  sum: number;
  count: number;
}

class HistogramMetric<Names extends LabelNames> implements Histogram<Names> {
  readonly #name: string;
  readonly #help: string;
  readonly #labels: Names;
  readonly #buckets: readonly number[];
  readonly #maxSeries: number;
  readonly #series = new Map<string, Distribution>();

  constructor(name: string, help: string, labels: Names, buckets: readonly number[], maxSeries: number) {
    this.#name = name;
    this.#help = help;
    this.#labels = labels;
    this.#buckets = buckets;
    this.#maxSeries = maxSeries;
  }

  observe(value: number, ...labels: LabelValues<Names>): void {
    const key = seriesKey(this.#series, labels, this.#maxSeries);
    let series = this.#series.get(key);
    if (!series) {
      series = { counts: this.#buckets.map(() => 0), sum: 0, count: 0 };
      this.#series.set(key, series);
    }
    series.sum += value;
    series.count += 1;
    for (let index = 0; index < this.#buckets.length; index++) {
      if (value > this.#buckets[index]!) continue;
      series.counts[index]! += 1;
      return;
    }
  }

  render(): string {
    let text = head(this.#name, this.#help, "histogram");
    for (const [key, series] of this.#series) {
      let cumulative = 0;
      this.#buckets.forEach((bound, index) => {
        cumulative += series.counts[index]!;
        text += `${this.#name}_bucket${labelText(this.#labels, key, numberText(bound))} ${cumulative}\n`;
      });
      text += `${this.#name}_bucket${labelText(this.#labels, key, "+Inf")} ${series.count}\n`;
      text += `${this.#name}_sum${labelText(this.#labels, key)} ${numberText(series.sum)}\n`;
      text += `${this.#name}_count${labelText(this.#labels, key)} ${series.count}\n`;
    }
    return text;
  }
}

function seriesKey(series: ReadonlyMap<string, unknown>, labels: readonly string[], maxSeries: number): string {
  let key = labels[0] ?? "";
  for (let index = 1; index < labels.length; index++) key += SEPARATOR + labels[index]!;
  if (series.size < maxSeries || series.has(key)) return key;
  return labels.map(() => OVERFLOW).join(SEPARATOR);
}

function head(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
}

function labelText(names: LabelNames, key: string, upperBound?: string): string {
  const values = names.length === 0 ? [] : key.split(SEPARATOR);
  const pairs = names.map((name, index) => `${name}="${escapeLabel(values[index] ?? "")}"`);
  if (upperBound !== undefined) pairs.push(`le="${upperBound}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}
