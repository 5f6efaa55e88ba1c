/** Drawn on a 24 × 24 grid with a round pen. */
const shapes = {
  include: '<circle cx="12" cy="12" r="8.5"/><path d="M12 8.5v7M8.5 12h7"/>',
  exclude: '<circle cx="12" cy="12" r="8.5"/><path d="M8.5 12h7"/>',
  box: '<path d="M4.5 8V4.5H8M16 4.5h3.5V8M19.5 16v3.5H16M8 19.5H4.5V16"/><path d="M11 4.5h2M11 19.5h2M4.5 11v2M19.5 11v2"/>',
  brush: '<path d="M19.5 4.5c-3 .8-7.6 5-9.5 8l2 2c3-1.900 7-6.500 7.500-10z"/><path d="M9.500 13.500c-2.500.2-3 2-3 3.500 0 1.200-.8 2-2 2 1.500 1 7 1.500 7-3.500"/>',
  erase: '<path d="M8 19.500h11.500M14 5l5.500 5.500-8 8.500H8L4.500 15.500z"/><path d="M9.500 10l5 5"/>',
  hand: '<path d="M8 13V6.500a1.500 1.500 0 013 0V11m0-5.500v-1a1.500 1.500 0 013 0V11m0-4.500a1.500 1.500 0 013 0V12m0-2a1.500 1.500 0 013 0v4.500a6 6 0 01-6 6h-1.500a6 6 0 01-4.700-2.300L4.600 14a1.600 1.600 0 012.500-2l.9 1"/>',
  undo: '<path d="M8.500 5L4.500 9l4 4"/><path d="M4.500 9h9.500a5.500 5.500 0 010 11h-4"/>',
  redo: '<path d="M15.500 5l4 4-4 4"/><path d="M19.500 9H10a5.500 5.500 0 000 11h4"/>',
  plus: '<path d="M12 5.500v13M5.500 12h13"/>',
  minus: '<path d="M5.500 12h13"/>',
  fit: '<path d="M4.500 9V4.500H9M15 4.500h4.500V9M19.500 15v4.500H15M9 19.500H4.500V15"/>',
  sun: '<circle cx="12" cy="12" r="4"/><path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.600 5.600L7 7M17 17l1.400 1.400M5.600 18.400L7 17M17 7l1.400-1.400"/>',
  moon: '<path d="M19.500 14.500A8 8 0 019.500 4.500a8 8 0 1010 10z"/>',
  image: '<rect x="3.500" y="4.500" width="17" height="15" rx="2.500"/><circle cx="9" cy="10" r="1.600"/><path d="M4 17.500l5-4 3 2.500 4-4 4.500 4"/>',
  camera: '<path d="M4.500 8h3l1.500-2.500h6L16.500 8h3A1.500 1.500 0 0121 9.500v8a1.500 1.500 0 01-1.500 1.500h-15A1.500 1.500 0 013 17.500v-8A1.500 1.500 0 014.500 8z"/><circle cx="12" cy="13" r="3.300"/>',
  trash: '<path d="M4.500 7h15M9.500 7V4.500h5V7M6.500 7l.8 12.500h9.400L17.500 7M10.300 10.500v5.500M13.700 10.500v5.500"/>',
  eye: '<path d="M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12z"/><circle cx="12" cy="12" r="2.800"/>',
  hidden: '<path d="M4 4l16 16M9.500 6a9 9 0 012.500-.4c6 0 9.500 6.400 9.500 6.400a16 16 0 01-2.700 3.400M6 8a16 16 0 00-3.500 4S6 18.500 12 18.500c1.500 0 2.800-.4 4-1"/>',
  save: '<path d="M12 4v11M7.500 11l4.500 4.500 4.500-4.500M4.500 19.500h15"/>',
  model: '<path d="M12 3.500l7.500 4.250v8.500L12 20.500l-7.500-4.250v-8.500z"/><path d="M4.800 8L12 12l7.200-4M12 12v8.300"/>',
  close: '<path d="M6 6l12 12M18 6L6 18"/>',
  keys: '<rect x="2.500" y="6" width="19" height="12" rx="2.500"/><path d="M6.500 10h.01M10 10h.01M14 10h.01M17.500 10h.01M8 14h8"/>',
  folder: '<path d="M3.500 7A1.500 1.500 0 015 5.500h4l2 2.500h8A1.500 1.500 0 0120.500 9.500v8A1.500 1.500 0 0119 19H5a1.500 1.500 0 01-1.500-1.500z"/>',
  check: '<path d="M5 12.500l4.500 4.500L19 7.500"/>'
} as const

export type IconName = keyof typeof shapes

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', '0 0 24 24')
  svg.setAttribute('class', 'icon')
  svg.setAttribute('aria-hidden', 'true')
  svg.innerHTML = shapes[name]
  return svg
}
