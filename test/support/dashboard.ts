import { readFileSync } from 'node:fs'

const file = new URL('../../monitoring/grafana-dashboard.json', import.meta.url)

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}

export interface Dashboard {
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
  readonly annotations: { readonly list: readonly { readonly expr?: string }[] }
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(file, 'utf8')) as Dashboard
}

/** Every query of its panels and annotations, each with where it stands. */
export function dashboardQueries({ panels, annotations }: Dashboard): { where: string; expr: string }[] {
  const ofPanels = panels.flatMap(({ id, title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: `${id} ${title}`, expr })),
  )
  const ofAnnotations = annotations.list.flatMap(({ expr }) =>
    expr === undefined ? [] : [{ where: 'an annotation', expr }],
  )
  return [...ofPanels, ...ofAnnotations]
}

/** As Grafana sends it when everything is selected, over this range. */
export function selectingAll(expr: string, rateInterval: string): string {
  return expr
    .replaceAll('$__rate_interval', rateInterval)
    .replaceAll(/\$\{?(?:job|instance|domain|pool)\}?/g, '.*')
}
