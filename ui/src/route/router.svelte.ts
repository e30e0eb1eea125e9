// The current place as state; the browser's back and forward work because the hash is the only truth.
import { type Place, placeHash, readPlace } from './hash'

class Router {
  place = $state.raw<Place>(readPlace(location.hash))

  constructor() {
    addEventListener('hashchange', () => (this.place = readPlace(location.hash)))
  }

  go(place: Place): void {
    location.hash = placeHash(place)
  }

  /** Like `go`, without a step in the history. */
  replace(place: Place): void {
    history.replaceState(null, '', placeHash(place))
    this.place = place
  }
}

export const router = new Router()
