// Serves the built page, and encodes photos for it.
import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { cpu } from '@sam/backend-cpu'
import { loadSam } from '@sam/core'
import { writeSafetensors } from '@sam/core/model'
import { mobileModel } from '@sam/model-mobile'
import { Hono } from 'hono'

const { weights } = await mobileModel()
const sam = await loadSam({ weights, backend: await cpu() })

/** The weights without those of the image encoder, which the page does not need. */
const decoder = {}
for (const name of weights.names.filter(name => !name.startsWith('image_encoder.')))
  decoder[name] = await weights.read(name)

const app = new Hono()
app.get('/decoder.safetensors', c => c.body(ReadableStream.from(writeSafetensors(decoder))))
app.post('/embedding', async c => {
  const image = await sam.encode(new Uint8Array(await c.req.arrayBuffer()))
  try {
    return c.body(await image.save())
  } finally {
    image.dispose()
  }
})
app.use(serveStatic({ root: 'dist' }))

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: 'localhost' }, ({ port }) =>
  console.log(`http://localhost:${port}`)
)
