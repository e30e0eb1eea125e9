// What can be done with the selected items just now. A missing function means: not allowed, or not for these.
import { mayAdminister } from '../api/permissions'
import { downloadAll } from './act'
import { dialogs } from './dialogs.svelte'
import { type Item, mayChange, mayRemove } from './items'

type Command = (() => void) | undefined

export interface ItemCommands {
  /** Whether there is any sharing for this user: if not, nothing is said of it. */
  sharing: boolean
  download: Command
  share: Command
  rename: Command
  move: Command
  remove: Command
}

/** `holderRights` are mine in the folder in sight; on the page of shared folders there is none. */
export function commandsFor(items: readonly Item[], holderRights: number, me: number, sharing: boolean): ItemCommands {
  const [first, ...others] = items
  const single = others.length === 0 ? first : undefined
  const removable = items.length > 0 && items.every((item) => mayRemove(item, holderRights, me))
  return {
    sharing,
    download: items.some((item) => item.kind === 'file') ? () => void downloadAll(items) : undefined,
    share:
      sharing && single?.kind === 'folder' && mayAdminister(single.folder.ownRights)
        ? () => dialogs.show({ kind: 'share', folder: single.folder })
        : undefined,
    rename: single && mayChange(single, holderRights, me) ? () => dialogs.show({ kind: 'rename', item: single }) : undefined,
    move: removable ? () => dialogs.show({ kind: 'move', items }) : undefined,
    remove: removable ? () => dialogs.show({ kind: 'delete', items }) : undefined,
  }
}
