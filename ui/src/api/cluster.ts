// The cluster module: nodes and web tiers as the answering node sees them.
import { get } from './client'

export interface ClusterNode {
  name: string
  role: string
  route: string
  address: string
  version: string
  state: 'up' | 'draining' | 'gone'
  sessions: number
  uptime_ms: number
  last_seen: number
}

export interface WebTierMember {
  route: string
  address: string
  weight: number
  state: 'up' | 'down' | 'error' | 'failing' | 'outlier' | 'draining' | 'disabled'
  sessions_assigned: number
  requests: number
  failures: number
  retries: number
  in_flight: number
  last_error: string | null
}

export interface WebTier {
  name: string
  address: string
  last_seen: number
  state: {
    listen?: string
    started?: number
    requests?: number
    in_flight?: number
    members?: WebTierMember[]
  } | null
}

export interface Database {
  name: string
  group: string
  role: 'master' | 'replica' | 'out'
  answers: boolean
  trouble: string
  lag_ms: number | null
}

/** The connections of the answering node. */
export interface Mesh {
  peers: { name: string; round_trip_us: number | null }[]
  missing: { name: string; for_ms: number }[]
}

/** The answering node in the coherence protocol. Members are named by incarnation. */
export interface Coherence {
  caches: boolean
  joined: boolean
  stage: string
  membership_ms: number
  /** How long it may answer from memory; null while it may not. */
  epoch_ms: number | null
  members: {
    incarnation: string
    counts: boolean
    connected: boolean
    lease_ms: number
    granted_ms: number
    holds: number
    held_scopes: number
  }[]
  writes: { write: number; scopes: number; stage: string; waits_for: string[]; wait_ms: number }[]
  writes_open: number
  holds_open: number
  epochs: { ago_ms: number; what: string; member: string | null }[]
  epochs_begun: number
  epochs_ended: number
}

export interface Live {
  coherence: Coherence | null
  /** Names of members by incarnation. */
  names: Record<string, string>
  cache: { bytes: number; bytes_max: number; kinds: { scope: string; hits: number; misses: number }[] } | null
  subscriptions: number
}

/** What the gauge of the answering node has read back. */
export interface Gauge {
  samples: number
  answers: number
  unanswered: number
  old: number
  oldest_ms: number
}

export interface ClusterStatus {
  served_by: string
  nodes: ClusterNode[]
  web_tiers: WebTier[]
  databases: Database[]
  mesh: Mesh | null
  live: Live
  gauge: Gauge
  sessions_total: number
  /** Schemas that do not answer. A node of an earlier version does not say. */
  sessions_uncounted?: string[]
}

export async function clusterStatus(): Promise<ClusterStatus> {
  return (await get<ClusterStatus>('cluster', 'status')).data
}
