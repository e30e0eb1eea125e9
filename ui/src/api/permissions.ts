// The permission integer of folders: five dimensions in one number, the roles people choose from, and what a right allows.
// Bits 0-6 folder, 7-13 read, 14-20 write, 21-27 delete, 28 admin; each seven-bit part is a level, not a mask.

export interface Permission {
  /** User or group id; group 0 is everybody. */
  entity: number
  group: boolean
  bits: number
}

export interface Rights {
  folder: number
  read: number
  write: number
  delete: number
  admin: boolean
}

/** What each level of the folder part means: none, see, create objects, create subfolders, maximum. */
export const folderLevels = [0, 1, 2, 4, 64] as const
/** What each level of the read, write and delete parts means: none, own objects, all objects, maximum. */
export const objectLevels = [0, 1, 2, 64] as const

export const roles = ['viewer', 'reviewer', 'author', 'admin'] as const
export type Role = (typeof roles)[number]

export const roleBits: Record<Role, number> = {
  viewer: 257,
  reviewer: 33025,
  author: 4227332,
  admin: 272662788,
}

/** Every right at its maximum, with admin: what the owner of a folder has. */
export const ownerBits = 403710016

export function decode(bits: number): Rights {
  return {
    folder: bits & 127,
    read: (bits >> 7) & 127,
    write: (bits >> 14) & 127,
    delete: (bits >> 21) & 127,
    admin: ((bits >> 28) & 1) === 1,
  }
}

export function encode(rights: Rights): number {
  return rights.folder | (rights.read << 7) | (rights.write << 14) | (rights.delete << 21) | (rights.admin ? 1 << 28 : 0)
}

/** The role that a number is exactly; "owner" for the maximum, "custom" for any other combination. */
export function roleOf(bits: number): Role | 'owner' | 'custom' {
  if (bits === ownerBits) return 'owner'
  return roles.find((role) => roleBits[role] === bits) ?? 'custom'
}

export const mayCreateFiles = (bits: number): boolean => decode(bits).folder >= 2
export const mayCreateFolders = (bits: number): boolean => decode(bits).folder >= 4
export const mayReadFiles = (bits: number): boolean => decode(bits).read >= 1
export const mayAdminister = (bits: number): boolean => decode(bits).admin

export const mayChangeFile = (bits: number, createdBy: number, me: number): boolean =>
  coversObject(decode(bits).write, createdBy, me)

export const mayDeleteFile = (bits: number, createdBy: number, me: number): boolean =>
  coversObject(decode(bits).delete, createdBy, me)

function coversObject(level: number, createdBy: number, me: number): boolean {
  return level >= 2 || (level === 1 && createdBy === me)
}
