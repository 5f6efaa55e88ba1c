import { html, svg, type TemplateResult } from 'lit-html'

/** SVG shapes on a 24 × 24 grid, drawn with round strokes. */
const shapes = {
  include: svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 8.5v7M8.5 12h7"/>`,
  exclude: svg`<circle cx="12" cy="12" r="8.5"/><path d="M8.5 12h7"/>`,
  box: svg`<path d="M4.5 8V4.5H8M16 4.5h3.5V8M19.5 16v3.5H16M8 19.5H4.5V16"/><path d="M11 4.5h2M11 19.5h2M4.5 11v2M19.5 11v2"/>`,
  brush: svg`<path d="M19.5 4.5c-3 .8-7.6 5-9.5 8l2 2c3-1.9 7-6.5 7.5-10z"/><path d="M9.5 13.5c-2.5.2-3 2-3 3.5 0 1.2-.8 2-2 2 1.5 1 7 1.5 7-3.5"/>`,
  erase: svg`<path d="M8 19.5h11.5M14 5l5.5 5.5-8 8.5H8L4.5 15.5z"/><path d="M9.5 10l5 5"/>`,
  hand: svg`<path d="M8 13V6.5a1.5 1.5 0 013 0V11m0-5.5v-1a1.5 1.5 0 013 0V11m0-4.5a1.5 1.5 0 013 0V12m0-2a1.5 1.5 0 013 0v4.5a6 6 0 01-6 6h-1.5a6 6 0 01-4.7-2.3L4.6 14a1.6 1.6 0 012.5-2l.9 1"/>`,
  undo: svg`<path d="M8.5 5L4.5 9l4 4"/><path d="M4.5 9h9.5a5.5 5.5 0 010 11h-4"/>`,
  redo: svg`<path d="M15.5 5l4 4-4 4"/><path d="M19.5 9H10a5.5 5.5 0 000 11h4"/>`,
  plus: svg`<path d="M12 5.5v13M5.5 12h13"/>`,
  minus: svg`<path d="M5.5 12h13"/>`,
  fit: svg`<path d="M4.5 9V4.5H9M15 4.5h4.5V9M19.5 15v4.5H15M9 19.5H4.5V15"/>`,
  sun: svg`<circle cx="12" cy="12" r="4"/><path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M5.6 18.4L7 17M17 7l1.4-1.4"/>`,
  moon: svg`<path d="M19.5 14.5A8 8 0 019.5 4.5a8 8 0 1010 10z"/>`,
  image: svg`<rect x="3.5" y="4.5" width="17" height="15" rx="2.5"/><circle cx="9" cy="10" r="1.6"/><path d="M4 17.5l5-4 3 2.5 4-4 4.5 4"/>`,
  camera: svg`<path d="M4.5 8h3l1.5-2.5h6L16.5 8h3A1.5 1.5 0 0121 9.5v8a1.5 1.5 0 01-1.5 1.5h-15A1.5 1.5 0 013 17.5v-8A1.5 1.5 0 014.5 8z"/><circle cx="12" cy="13" r="3.3"/>`,
  trash: svg`<path d="M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10.3 10.5v5.5M13.7 10.5v5.5"/>`,
  eye: svg`<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="2.8"/>`,
  hidden: svg`<path d="M4 4l16 16M9.5 6a9 9 0 012.5-.4c6 0 9.5 6.4 9.5 6.4a16 16 0 01-2.7 3.4M6 8a16 16 0 00-3.5 4S6 18.5 12 18.5c1.5 0 2.8-.4 4-1"/>`,
  save: svg`<path d="M12 4v11M7.5 11l4.5 4.5 4.5-4.5M4.5 19.5h15"/>`,
  model: svg`<path d="M12 3.5l7.5 4.250v8.5L12 20.5l-7.5-4.250v-8.5z"/><path d="M4.8 8L12 12l7.2-4M12 12v8.3"/>`,
  close: svg`<path d="M6 6l12 12M18 6L6 18"/>`,
  keys: svg`<rect x="2.5" y="6" width="19" height="12" rx="2.5"/><path d="M6.5 10h.01M10 10h.01M14 10h.01M17.5 10h.01M8 14h8"/>`,
  folder: svg`<path d="M3.5 7A1.5 1.5 0 015 5.5h4l2 2.5h8A1.5 1.5 0 0120.5 9.5v8A1.5 1.5 0 0119 19H5a1.5 1.5 0 01-1.5-1.5z"/>`,
  more: svg`<path d="M5 7h14M5 12h14M5 17h14"/>`,
  search: svg`<circle cx="10.5" cy="10.5" r="6"/><path d="M15 15l5 5"/>`,
  chevron: svg`<path d="M6 9.5l6 6 6-6"/>`,
  duplicate: svg`<rect x="8.5" y="8.5" width="11" height="11" rx="2"/><path d="M5.500 15.500h-1v-11h11v1M14 11.5v5M11.5 14h5"/>`,
  copy: svg`<rect x="8.5" y="8.5" width="11" height="11" rx="2"/><path d="M5.500 15.500h-1v-11h11v1"/>`,
  select: svg`<path d="M6 4.500l12 7-5.300 1.300-2.700 5z"/>`,
  lock: svg`<rect x="5.500" y="11" width="13" height="9" rx="2"/><path d="M8.500 11V8a3.500 3.500 0 017 0v3"/>`,
  sparkles: svg`<path d="M11 4l1.800 5.200L18 11l-5.200 1.800L11 18l-1.800-5.200L4 11l5.200-1.800zM18.500 15.500l.7 2 2 .7-2 .7-.7 2-.7-2-2-.7 2-.7z"/>`,
  tag: svg`<path d="M4 5.500v6l8.500 8.500 7-7L11 4.500H5A1 1 0 004 5.500z"/><circle cx="8" cy="8.500" r="1.200"/>`,
  check: svg`<path d="M5 12.5l4.5 4.5L19 7.5"/>`
} as const

export type IconName = keyof typeof shapes

export const icon = (name: IconName): TemplateResult =>
  html`<svg viewBox="0 0 24 24" class="icon" aria-hidden="true">${shapes[name]}</svg>`
