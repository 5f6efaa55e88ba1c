import { noChange } from 'lit-html'
import { Directive, directive, PartType, type ElementPart, type PartInfo } from 'lit-html/directive.js'

type Paint = (canvas: HTMLCanvasElement) => void

/** Paints the `<canvas>` that it is on, again when one of the keys changes: `<canvas ${drawn(paint, mask, color)}>`. */
class Drawn extends Directive {
  #keys: readonly unknown[] | undefined

  constructor(info: PartInfo) {
    super(info)
    if (info.type !== PartType.ELEMENT) throw new Error('drawn must be used on an element')
  }

  render(_paint: Paint, ..._keys: readonly unknown[]): unknown {
    return noChange
  }

  override update({ element }: ElementPart, [paint, ...keys]: [Paint, ...unknown[]]): unknown {
    if (this.#keys?.length !== keys.length || keys.some((key, i) => key !== this.#keys![i])) {
      this.#keys = keys
      paint(element as HTMLCanvasElement)
    }
    return noChange
  }
}

export const drawn = directive(Drawn)
