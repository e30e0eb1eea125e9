// Lists come as arrays of arrays, one value for each column asked for. A table of columns names them.

/** Column number and the name it gets in the object made of a row. */
export type ColumnTable = readonly (readonly [number, string])[]

/** The `columns` parameter for a table. */
export function columnList(table: ColumnTable): string {
  return table.map(([column]) => column).join(',')
}

/** The same columns as an object by name. */
export function readRow(table: ColumnTable, row: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(table.map(([, name], index) => [name, row[index] ?? undefined]))
}
