/** The bytes at a URL, or the reason why they could not be read. */
export async function readBytes(url: URL): Promise<Uint8Array<ArrayBuffer> | string> {
  try {
    const answer = await fetch(url)
    return answer.ok
      ? new Uint8Array(await answer.arrayBuffer())
      : `the server answered ${answer.status} ${answer.statusText}`.trimEnd()
  } catch (error) {
    return (error as Error).message
  }
}

/** Base of relative URLs: the page, or the script of a worker. */
export const baseUrl = (): URL => new URL(globalThis.location.href)
