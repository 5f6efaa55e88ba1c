import { openDisk } from './disk.js'
import { openS3 } from './s3.js'
import type { Storage } from './storage.js'

/** Whether a location is of S3 (`s3://BUCKET/PREFIX`), and not a folder. */
export const isS3 = (location: string): boolean => location.startsWith('s3://')

/**
 * Opens a folder, or `s3://BUCKET/PREFIX` with the variables of AWS: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
 * `AWS_SESSION_TOKEN`, `AWS_REGION`, and `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` for other S3-compatible services.
 * Throws `JobError` `E_STORAGE`. Makes nothing.
 */
export const openStorage = async (location: string): Promise<Storage> =>
  isS3(location) ? openS3(location, process.env) : openDisk(location)
