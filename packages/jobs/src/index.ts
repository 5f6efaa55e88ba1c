/**
 * Annotates many images: a job file says what to do, each image is done once, and a run that was killed is continued.
 * On one machine, in shards, or over a queue.
 * @packageDocumentation
 */
export { parseJob, type Job } from './job.js'
export { parseManifest, type ManifestLine, type TaskPrompt } from './manifest.js'
export { JobError } from './errors.js'
export { digestOf, identityOf, weightsDigest, type Identity } from './identity.js'
export { taskOf, isInShard, type Shard, type Task } from './task.js'
export { openSource, type Source } from './source.js'
export { isS3, openStorage } from './storage/open.js'
export type { Storage } from './storage/storage.js'
export { Results, readDescription, type JobDescription } from './results.js'
export type { FailureRecord, ImageRecord, ObjectRecord } from './record.js'
export { samAnnotator, type Annotate } from './annotator.js'
export { workOn, type Outcome, type Workplace } from './work.js'
export { runJob, type Progress, type RunOptions } from './run.js'
export { finishShard, type FinishedShard, type FinishOptions } from './finish.js'
export { TaskQueue, type DeadLetter, type QueueCounts, type QueuedTask, type Retries } from './queue/task-queue.js'
export { runOnQueue, type QueueRunOptions } from './queue/run-on-queue.js'
export { startWorker, type QueueWorker, type WorkerOptions } from './queue/worker.js'
