import Runtime

/// The devices out of which a container is given some: those near to the memory that it shall use first.
struct DeviceChoice: Hashable, Sendable {
    /// It has these in any case, from a container that ends before it.
    private(set) var chosen: Set<String>
    private var missing: Int
    /// Near to the memory that it shall use, to other memory, and to none.
    private var aligned: Set<String> = []
    private var unaligned: Set<String> = []
    private var unattached: Set<String> = []

    /// `affinity` is the memory that the container shall use; `nil` where that is not looked at.
    init(
        chosen: Set<String>, missing: Int, free: Set<String>, _ devices: [String: DeviceLedger.Device],
        _ affinity: NUMAMask?
    ) {
        self.chosen = chosen
        self.missing = missing
        guard let affinity, devices.values.contains(where: { !$0.nodes.isEmpty }) else {
            unattached = free
            return
        }
        for id in free {
            let nodes = devices[id]?.nodes ?? []
            if affinity.containsAny(of: nodes) {
                aligned.insert(id)
            } else if nodes.isEmpty {
                unattached.insert(id)
            } else {
                unaligned.insert(id)
            }
        }
        guard missing >= aligned.count else { return }
        // All of them are taken: what is asked is what else.
        self.chosen.formUnion(aligned)
        self.missing -= aligned.count
        aligned = []
    }

    private var pool: Set<String> { aligned.isEmpty ? unaligned.union(unattached) : aligned }

    /// What the plug-in may be asked, if it likes to be; `nil` when nothing is left to choose.
    var question: DeviceAPI.ContainerPreferredAllocationRequest? {
        guard missing > 0 else { return nil }
        var request = DeviceAPI.ContainerPreferredAllocationRequest()
        request.availableDeviceIDs = pool.union(chosen).sorted()
        request.mustIncludeDeviceIDs = chosen.sorted()
        request.allocationSize = Int32(clamping: chosen.count + missing)
        return request
    }

    /// The devices, with those that the plug-in prefers among them. What it names that is not free is passed
    /// over.
    func devices(preferring preferred: [String]) -> Set<String> {
        var (result, missing) = (chosen, missing)
        func take(_ ids: some Sequence<String>) {
            for id in ids where missing > 0 && result.insert(id).inserted { missing -= 1 }
        }
        take(preferred.filter(pool.contains))
        for group in [aligned, unaligned, unattached] { take(group.sorted()) }
        precondition(missing == 0, "a choice is made where enough devices are free")
        return result
    }
}
