// Gives the permissions of a folder their names, all at once, so that the dialog does not flicker.
import { groups, persons } from '../api/directory'
import type { Permission } from '../api/permissions'
import { session } from '../session/session.svelte'
import { t } from '../strings'
import type { Entry } from './entries'

export async function loadEntries(permissions: readonly Permission[]): Promise<Entry[]> {
  const users = permissions.filter((permission) => !permission.group).map((permission) => permission.entity)
  const anyGroup = permissions.some((permission) => permission.group)
  const [people, known] = await Promise.all([users.length > 0 ? persons(users) : [], anyGroup ? groups() : []])
  return permissions.map((permission) => {
    const { entity, group } = permission
    if (group) {
      const found = known.find((one) => one.id === entity)
      const name = entity === 0 ? t.share.everybody : (found?.name ?? String(entity))
      return { ...permission, name, email: '', hint: t.share.group(found?.membersCount ?? 0) }
    }
    const found = people.find((one) => one.id === entity)
    const hint = entity === session.userId ? t.share.you : ''
    return { ...permission, name: found?.name ?? t.unknownPerson(entity), email: found?.email ?? '', hint }
  })
}
