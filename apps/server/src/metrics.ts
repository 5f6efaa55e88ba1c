import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { Found, ImageCache } from './image-cache.js'
import type { ServedModel } from './model.js'

/** Prometheus metrics of one server. */
export class Metrics {
  readonly registry = new Registry()
  readonly #seconds = new Histogram({
    name: 'sam_request_duration_seconds',
    help: 'Time until a request was answered, streams until their end',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
    registers: [this.registry]
  })
  readonly #lookups = new Counter({
    name: 'sam_image_lookups_total',
    help: 'Images by where they were found: memory, disk, or encoded',
    labelNames: ['found'],
    registers: [this.registry]
  })
  readonly #diskFailures = new Counter({
    name: 'sam_disk_cache_failures_total',
    help: 'Files of the cache that could not be written or read',
    registers: [this.registry]
  })

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  found(how: Found): void {
    this.#lookups.inc({ found: how })
  }

  diskFailed(): void {
    this.#diskFailures.inc()
  }

  answered(labels: { method: string; route: string; status: number }, seconds: number): void {
    this.#seconds.observe(labels, seconds)
  }

  /** Adds what is measured when it is read: the queues and the cache. */
  watch(models: ReadonlyMap<string, ServedModel>, cache: ImageCache): void {
    const registers = [this.registry]
    new Gauge({
      name: 'sam_queue_waiting',
      help: 'Requests that wait, by model and kind of work',
      labelNames: ['model', 'work'],
      registers,
      collect() {
        for (const [model, { encoder, decodes, generates }] of models) {
          this.set({ model, work: 'encode' }, encoder.waiting)
          this.set({ model, work: 'decode' }, decodes.queued)
          this.set({ model, work: 'generate' }, generates.queued)
        }
      }
    })
    new Gauge({
      name: 'sam_cache_bytes',
      help: 'Estimated memory of the encoded images',
      registers,
      collect() {
        this.set(cache.bytes)
      }
    })
    new Gauge({
      name: 'sam_cache_images',
      help: 'Encoded images in memory',
      registers,
      collect() {
        this.set(cache.images)
      }
    })
  }
}
