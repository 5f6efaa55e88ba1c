/**
 * Points of a regular grid over the unit square, row by row, each at the centre of its cell: x, y in 0 … 1. Meta:
 * utils/amg.py#build_point_grid.
 */
export const pointGrid = (perSide: number): [x: number, y: number][] =>
  Array.from({ length: perSide * perSide }, (_, i) => [
    ((i % perSide) + 0.5) / perSide,
    (Math.floor(i / perSide) + 0.5) / perSide
  ])
