import { describe, expect, it } from 'vitest'
import { createApp, type App } from './app.js'
import type { BundledName } from './bundled-models.js'
import type { Call, Calls, Candidate, Candidates, Prompts } from './protocol.js'
import { activeObject, addPoint, newObject, removeObject, setPhrase } from './session.js'

const point = { x: 1, y: 2, label: 'foreground' } as const
const candidate = (score: number): Candidate => ({ score, rings: [], logits: new Float32Array([score]) })

/**
 * The app with a fake worker, in which only the tiny model has text prompts. `asked`: the prompts of all predictions.
 * `respond` resolves the oldest pending one.
 */
async function open(
  name: BundledName = 'tiny'
): Promise<{ app: App; asked: Prompts[]; respond: (masks: Candidates) => Promise<void> }> {
  const waiting: ((respond: Candidates) => void)[] = []
  const asked: Prompts[] = []
  const call = ((name: keyof Calls, [args]: Parameters<Calls['load' | 'predict']>) => {
    if (name === 'encode') return Promise.resolve({ milliseconds: 1 })
    if ('model' in args) {
      const model = (args.model as { name: BundledName }).name
      return Promise.resolve({ name: model, backend: { name: 'wasm' }, supportsText: model === 'tiny' })
    }
    asked.push(args.prompts)
    return new Promise<Candidates>(resolve => waiting.push(resolve))
  }) as Call
  const app = createApp({ call, prefer: undefined, changed: () => {} })
  await app.loadModel({ kind: 'bundled', name })
  await app.open({ name: 'cat.jpg', bitmap: { width: 8, height: 8, close() {} } })
  return {
    app,
    asked,
    respond: async masks => {
      waiting.shift()!(masks)
      await new Promise(resolve => setTimeout(resolve))
    }
  }
}
const click = (app: App): void => app.act(addPoint(app.session, point, app.refined()))

describe('app', () => {
  it('chooses only among available masks, and ignores choices while a prediction is pending', async () => {
    const { app, respond } = await open()
    click(app)
    await respond([candidate(0.9), candidate(0.8), candidate(0.7)])
    app.choose(2)
    expect(app.refined()).toEqual(new Float32Array([0.7]))
    click(app)
    app.choose(2)
    await respond([candidate(0.6)])
    expect([activeObject(app.session).choice, app.refined()]).toEqual([0, new Float32Array([0.6])])
    app.choose(1)
    expect(activeObject(app.session).choice).toBe(0)
  })

  it.each(['removed', 'undone', 'the only one'])(
    'does not show the mask of an earlier object with the same id (%s)',
    async how => {
      const { app, respond } = await open()
      click(app)
      await respond([candidate(0.9)])
      if (how !== 'the only one') {
        app.act(newObject(app.session))
        click(app)
        await respond([candidate(0.8)])
      }
      const { id } = activeObject(app.session)
      if (how === 'undone') for (let i = 0; i < 2; i++) app.undo()
      else app.act(removeObject(app.session, id))
      app.act(newObject(app.session))
      click(app)
      expect(activeObject(app.session).id).toBe(id)
      expect(app.shown(activeObject(app.session))).toBeUndefined()
    }
  )

  it('predicts nothing from a phrase alone until the model has text prompts', async () => {
    const { app, asked } = await open('mobile_sam')
    app.act(setPhrase(app.session, 'a red star'))
    expect(asked).toEqual([])
    await app.loadModel({ kind: 'bundled', name: 'tiny' })
    expect(asked).toMatchObject([{ phrase: 'a red star' }])
    expect(app.state.error).toBeUndefined()
  })

  it('predicts from the other prompts of an object with a phrase if the model has no text prompts', async () => {
    const { app, asked } = await open('mobile_sam')
    app.act(setPhrase(app.session, 'a red star'))
    click(app)
    expect(asked).toMatchObject([{ points: [point], phrase: undefined }])
    expect(activeObject(app.session).prompts.phrase).toBe('a red star')
  })
})
