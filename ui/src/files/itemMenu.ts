// The context menu of the selected items.
import Download from '@lucide/svelte/icons/download'
import FolderInput from '@lucide/svelte/icons/folder-input'
import FolderOpen from '@lucide/svelte/icons/folder-open'
import Info from '@lucide/svelte/icons/info'
import PencilLine from '@lucide/svelte/icons/pencil-line'
import Trash from '@lucide/svelte/icons/trash-2'
import UserPlus from '@lucide/svelte/icons/user-plus'
import type { MenuEntry } from '../menu/menu.svelte'
import { t } from '../strings'
import type { ItemCommands } from './commands'
import type { Item } from './items'

export function itemMenu(
  items: readonly Item[],
  commands: ItemCommands,
  open: (item: Item) => void,
  details: () => void,
): MenuEntry[] {
  const [single, ...others] = items
  const alone = single !== undefined && others.length === 0
  const entry = (label: string, icon: MenuEntry['icon'], act: (() => void) | undefined, more: Partial<MenuEntry> = {}): MenuEntry => ({
    label,
    icon,
    act: act ?? (() => {}),
    disabled: !act,
    ...more,
  })
  const entries: MenuEntry[] = []
  if (alone && single.kind === 'folder') entries.push(entry(t.actions.open, FolderOpen, () => open(single), { key: 'Enter' }))
  if (commands.download) entries.push(entry(t.actions.download, Download, commands.download))
  if (alone && single.kind === 'folder' && commands.sharing) entries.push(entry(t.actions.share, UserPlus, commands.share))
  entries.push(
    entry(t.actions.rename, PencilLine, commands.rename, { key: 'F2', apart: entries.length > 0 }),
    entry(t.actions.move, FolderInput, commands.move),
  )
  if (alone) entries.push(entry(t.actions.details, Info, details))
  entries.push(entry(t.actions.delete, Trash, commands.remove, { key: 'Del', danger: true, apart: true }))
  return entries
}
