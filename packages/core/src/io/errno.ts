/** Why a file operation of Node failed, for a message. */
export const reasonOf = ({
  code = '',
  message
}: {
  readonly code?: string | undefined
  readonly message: string
}): string => reasons[code] ?? message

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'is a directory',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is reached',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many open files',
  EBADF: 'it was closed already'
}
