/**
 * `@sam/annotator/react`: `<sam-annotator>` as a React component, for React 18 and later.
 * @packageDocumentation
 */
import {
  createElement,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  type CSSProperties,
  type ReactElement,
  type Ref
} from 'react'
import { type SamAnnotatorElement, type SamAnnotatorEventMap } from './element.js'
import type { Mask } from '@sam/core'
import type { Annotator, Tool } from './store/annotator.js'
import type { SamLike } from './store/sam-like.js'
import type { Outline } from './stage/draw.js'

/** The element's properties, which are described there, and its events. */
export interface SamAnnotatorProps {
  readonly sam?: SamLike | undefined
  readonly tool?: Tool | undefined
  readonly brush?: number | undefined
  readonly outlines?: ReadonlyMap<Mask, Outline> | undefined
  /** An annotator that exists already. Default: one of its own. */
  readonly annotator?: Annotator | undefined
  readonly className?: string | undefined
  readonly style?: CSSProperties | undefined
  /** The element, for its methods, such as `open` and `undo`. */
  readonly ref?: Ref<SamAnnotatorElement> | undefined
  readonly onChange?: ((event: SamAnnotatorEventMap['change']) => void) | undefined
  readonly onSelect?: ((event: SamAnnotatorEventMap['select']) => void) | undefined
  readonly onReady?: ((event: SamAnnotatorEventMap['ready']) => void) | undefined
  readonly onStatus?: ((event: SamAnnotatorEventMap['status']) => void) | undefined
  readonly onFailure?: ((event: SamAnnotatorEventMap['failure']) => void) | undefined
  /** As `ref`, for React 18, which keeps `ref` from function components. */
  readonly elementRef?: Ref<SamAnnotatorElement> | undefined
}

/**
 * `<sam-annotator>` in React.
 *
 * @example
 * const element = useRef<SamAnnotatorElement>(null)
 * return <SamAnnotator ref={element} sam={sam} tool="brush" onChange={() => show(element.current!.objects)} />
 */
export function SamAnnotator(props: SamAnnotatorProps): ReactElement {
  const { sam, tool, brush, outlines, annotator, className, style, ref, elementRef } = props
  const element = useRef<SamAnnotatorElement>(null)
  const latest = useRef(props)
  useImperativeHandle(ref, () => element.current!)
  useImperativeHandle(elementRef, () => element.current!)
  useLayoutEffect(() => {
    latest.current = props
  })
  useLayoutEffect(() => {
    if (annotator) element.current!.annotator = annotator
  }, [annotator])
  useLayoutEffect(() => {
    element.current!.sam = sam
  }, [annotator, sam])
  useLayoutEffect(() => {
    if (tool !== undefined) element.current!.tool = tool
  }, [annotator, tool])
  useLayoutEffect(() => {
    if (brush !== undefined) element.current!.brush = brush
  }, [annotator, brush])
  useLayoutEffect(() => {
    element.current!.outlines = outlines
  }, [outlines])
  useLayoutEffect(() => {
    const ended = new AbortController()
    const { signal } = ended
    const it = element.current!
    it.addEventListener('change', event => latest.current.onChange?.(event), { signal })
    it.addEventListener('select', event => latest.current.onSelect?.(event), { signal })
    it.addEventListener('ready', event => latest.current.onReady?.(event), { signal })
    it.addEventListener('status', event => latest.current.onStatus?.(event), { signal })
    it.addEventListener('failure', event => latest.current.onFailure?.(event), { signal })
    return () => ended.abort()
  }, [])
  return createElement('sam-annotator', { ref: element, class: className, style })
}
