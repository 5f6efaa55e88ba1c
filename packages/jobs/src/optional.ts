import { JobError } from './errors.js'

/**
 * Imports an optional peer dependency. Throws `JobError` with `code` and the line that installs it where it is missing.
 */
export async function optional<T>(
  load: () => Promise<T>,
  { code, install, purpose }: { code: JobError['code']; install: string; purpose: string }
): Promise<T> {
  return load().catch((cause: unknown) => {
    throw new JobError(code, `${purpose} needs optional packages: npm install ${install}`, { cause })
  })
}
