/// What init containers of a pod have that end before the containers after them begin.
struct ReusableResources: Sendable {
    private(set) var devices: [String: Set<String>] = [:]
    private(set) var processors: Set<Int> = []
    private(set) var memory: [NUMAMask: [String: Int64]] = [:]
    /// Their names.
    private(set) var initial: [String] = []

    /// A container has this. `isInitial`: it ends before the next one begins.
    mutating func note(
        _ name: String, _ devices: [String: Set<String>], _ processors: Set<Int>,
        _ blocks: [MemoryLedger.Block],
        isInitial: Bool
    ) {
        if isInitial {
            initial.append(name)
            self.devices.merge(devices) { $0.union($1) }
            self.processors.formUnion(processors)
        } else {
            for (resource, ids) in devices { self.devices[resource]?.subtract(ids) }
            self.processors.subtract(processors)
        }
        for block in blocks {
            let mask = NUMAMask(block.nodes)
            let present = memory[mask]?[block.type] ?? 0
            memory[mask, default: [:]][block.type] =
                isInitial ? max(present, block.size) : max(present - block.size, 0)
        }
    }
}
