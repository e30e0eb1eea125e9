// What was dropped on the window: files, and whole folders as a tree to be made on the server.

export interface Dropped {
  /** Folder names from the drop target down; empty for a file dropped by itself. */
  folders: string[]
  /** Missing for an empty folder. */
  file?: File
}

/** Must be called within the drop event: its items are gone afterwards. */
export function readDrop(data: DataTransfer): Promise<Dropped[]> {
  const items = [...data.items].filter((item) => item.kind === 'file')
  const roots = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }))
  return Promise.all(
    roots.map(({ entry, file }) => {
      if (entry) return walk(entry, [])
      return Promise.resolve(file ? [{ folders: [], file }] : [])
    }),
  ).then((found) => found.flat())
}

/** Whether a drag carries files from outside, and not rows of ours. */
export function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false
}

async function walk(entry: FileSystemEntry, folders: string[]): Promise<Dropped[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    return [{ folders, file }]
  }
  const inside = [...folders, entry.name]
  const children = await readAll((entry as FileSystemDirectoryEntry).createReader())
  if (children.length === 0) return [{ folders: inside }]
  const found: Dropped[] = []
  for (const child of children) found.push(...(await walk(child, inside)))
  return found
}

/** A reader gives some hundred entries at a time, and none when it is through. */
async function readAll(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  const entries: FileSystemEntry[] = []
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (batch.length === 0) return entries
    entries.push(...batch)
  }
}
