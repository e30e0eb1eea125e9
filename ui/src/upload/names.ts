// A free name beside taken ones: "report.pdf" becomes "report (2).pdf". Pure.

export function freeName(name: string, taken: ReadonlySet<string>): string {
  const lower = new Set([...taken].map((one) => one.toLowerCase()))
  if (!lower.has(name.toLowerCase())) return name
  // A leading dot begins a hidden file's name, not an extension.
  const dot = name.lastIndexOf('.')
  const stem = dot > 0 ? name.slice(0, dot) : name
  const extension = dot > 0 ? name.slice(dot) : ''
  for (let number = 2; ; number++) {
    const candidate = `${stem} (${number})${extension}`
    if (!lower.has(candidate.toLowerCase())) return candidate
  }
}
