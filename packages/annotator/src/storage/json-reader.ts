import { refusing, shown, type Refuse } from '@sam/core/graph'

/** A value of JSON of unknown form, and its place in the file for messages. */
export class JsonReader {
  constructor(
    readonly value: unknown,
    readonly place: string
  ) {}

  /** Throws `E_BAD_OPTION`: what must hold here, and what was found. */
  must(be: string): never {
    const fail: Refuse = refusing('E_BAD_OPTION', `${this.place}: `)
    return fail(`must be ${be}, found ${shown(this.value)}`)
  }

  /** A property. */
  at(name: string): JsonReader {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) this.must('an object')
    const value = Object.hasOwn(this.value, name) ? (this.value as Record<string, unknown>)[name] : undefined
    return new JsonReader(value, `${this.place}.${name}`)
  }

  /** What `read` makes of it; undefined if it is missing. */
  maybe<T>(read: (reader: JsonReader) => T): T | undefined {
    return this.value === undefined || this.value === null ? undefined : read(this)
  }

  list<T>(read: (reader: JsonReader) => T, most: number): T[] {
    if (!Array.isArray(this.value) || this.value.length > most) this.must(`an array of at most ${most}`)
    return (this.value as unknown[]).map((item, i) => read(new JsonReader(item, `${this.place}[${i}]`)))
  }

  number(least = -1e9, most = 1e9): number {
    const { value } = this
    return typeof value === 'number' && value >= least && value <= most
      ? value
      : this.must(`a number from ${least} to ${most}`)
  }

  integer(least: number, most = 1e9): number {
    const value = this.number(least, most)
    return Number.isInteger(value) ? value : this.must('a whole number')
  }

  string(pattern = /^[^]{0,1000}$/): string {
    return typeof this.value === 'string' && pattern.test(this.value)
      ? this.value
      : this.must(`text like ${pattern.source}`)
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.must('true or false')
  }
}
