// The cluster module: nodes and web tiers as the answering node sees them.
import { get } from './client'

export interface ClusterNode {
  name: string
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
  state: 'up' | 'down' | 'draining' | 'disabled'
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

export interface ClusterStatus {
  served_by: string
  nodes: ClusterNode[]
  web_tiers: WebTier[]
  sessions_total: number
}

export async function clusterStatus(): Promise<ClusterStatus> {
  return (await get<ClusterStatus>('cluster', 'status')).data
}
