// Display names for user and group ids, fetched in batches the first time somebody asks for them.
import { SvelteMap } from 'svelte/reactivity'
import { groups, persons } from '../api/directory'
import { session } from '../session/session.svelte'
import { t } from '../strings'

class Names {
  #users = new SvelteMap<number, string>()
  #groups = new SvelteMap<number, string>()
  #wanted = new Set<number>()
  #asked = new Set<number>()
  #groupsAsked = false

  constructor() {
    session.onEnd(() => this.#forget())
  }

  /** The name, or nothing while it is being fetched. */
  user(id: number): string {
    const known = this.#users.get(id)
    if (known === undefined) this.#want(id)
    return known ?? ''
  }

  group(id: number): string {
    if (id === 0) return t.share.everybody
    if (!this.#groupsAsked) void this.#fetchGroups()
    return this.#groups.get(id) ?? ''
  }

  #want(id: number): void {
    if (id === 0 || this.#asked.has(id)) return
    this.#asked.add(id)
    if (this.#wanted.size === 0) queueMicrotask(() => void this.#fetch())
    this.#wanted.add(id)
  }

  async #fetch(): Promise<void> {
    const ids = [...this.#wanted]
    this.#wanted.clear()
    try {
      for (const person of await persons(ids)) this.#users.set(person.id, person.name)
    } catch {
      // A number is shown instead; a name is not worth an error message.
    }
    for (const id of ids) if (!this.#users.has(id)) this.#users.set(id, t.unknownPerson(id))
  }

  async #fetchGroups(): Promise<void> {
    this.#groupsAsked = true
    try {
      for (const group of await groups()) this.#groups.set(group.id, group.name)
    } catch {
      // As above.
    }
  }

  #forget(): void {
    this.#users.clear()
    this.#groups.clear()
    this.#asked.clear()
    this.#groupsAsked = false
  }
}

export const names = new Names()
