// The place in the app, as the hash of the address: #/files/12, #/shared, #/cluster, #/settings. Pure.

export type Place = { page: 'home' } | { page: 'files'; folder: string } | { page: 'shared' } | { page: 'cluster' } | { page: 'settings' }

export function readPlace(hash: string): Place {
  const [page, id] = hash.replace(/^#?\/?/, '').split('/')
  if (page === 'files' && id && /^\d+$/.test(id)) return { page: 'files', folder: id }
  if (page === 'shared') return { page: 'shared' }
  if (page === 'cluster') return { page: 'cluster' }
  if (page === 'settings') return { page: 'settings' }
  return { page: 'home' }
}

export function placeHash(place: Place): string {
  switch (place.page) {
    case 'files':
      return `#/files/${place.folder}`
    case 'home':
      return '#/'
    default:
      return `#/${place.page}`
  }
}

export const folderHash = (folder: string): string => placeHash({ page: 'files', folder })
