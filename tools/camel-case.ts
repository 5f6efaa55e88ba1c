/** Options under the names of Meta's Python code as options of this SDK: `points_per_side` becomes `pointsPerSide`. */
export const camelCase = <T>(args: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(args).map(([key, value]) => [key.replace(/_./g, part => part[1].toUpperCase()), value])
  )
