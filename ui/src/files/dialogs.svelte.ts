// Which dialog of the files page is open.
import type { Folder } from '../api/folders'
import type { Item } from './items'

export type OpenDialog =
  | { kind: 'newFolder' }
  | { kind: 'rename'; item: Item }
  | { kind: 'delete'; items: readonly Item[] }
  | { kind: 'move'; items: readonly Item[] }
  | { kind: 'share'; folder: Folder }

class Dialogs {
  open = $state.raw<OpenDialog | null>(null)

  show(dialog: OpenDialog): void {
    this.open = dialog
  }

  close = (): void => void (this.open = null)
}

export const dialogs = new Dialogs()
