import APIMachinery
import CEL

/// Finds devices of one node for claims: all of them, or none.
///
/// A search with a way back: a device that is good for one request may be the only one for another. It is bounded; a
/// cluster in which it ends without an answer is taken to have none.
struct DeviceAllocator {
    struct Pick: Sendable {
        var claim: Int
        var way: DeviceNeed.Way
        var device: DeviceFacts
        /// What of the device's capacity it gets, when others may have the rest; `nil` for a device of its own.
        var portions: [String: Quantity]?
    }

    let needs: [DeviceNeed]
    /// Those that the node reaches.
    let devices: [DeviceFacts]
    /// What other claims have.
    let taken: DeviceLoad

    private static let bound = 20_000
    /// So many devices one claim may have (`AllocationResultsMaxSize`).
    private static let mostOfClaim = 32

    private var picks: [Pick] = []
    private var own = DeviceLoad()
    /// What is left of the pools' counters.
    private var counters: [DeviceFacts.Counter: Quantity]
    private var steps = 0
    /// By the name of a way, and of its claim.
    private var suiting: [String: [Int]] = [:]

    /// `counters` is what other claims leave of them.
    init(
        _ needs: [DeviceNeed], devices: [DeviceFacts], taken: DeviceLoad, counters: [DeviceFacts.Counter: Quantity] = [:]
    ) {
        self.needs = needs
        self.devices = devices
        self.taken = taken
        self.counters = counters
    }

    mutating func allocate() -> [Pick]? { satisfy(0, 0) ? picks : nil }

    /// Satisfies the requests from this one of this claim on.
    private mutating func satisfy(_ claim: Int, _ request: Int) -> Bool {
        guard claim < needs.count else { return true }
        steps += 1
        guard steps <= Self.bound else { return false }
        guard request < needs[claim].requests.count else { return satisfy(claim + 1, 0) }
        for way in needs[claim].requests[request].ways {
            let candidates = candidates(way, claim)
            let room = Self.mostOfClaim - picks.count { $0.claim == claim }
            guard let count = way.count else {
                if !candidates.isEmpty, candidates.count <= room, takeAll(candidates, way, claim, request) { return true }
                continue
            }
            if count <= room, take(count, of: candidates, from: 0, way, claim, request) { return true }
        }
        return false
    }

    /// All devices that suit must be free and fit together.
    private mutating func takeAll(
        _ candidates: [Int], _ way: DeviceNeed.Way, _ claim: Int, _ request: Int
    ) -> Bool {
        let before = picks.count
        for candidate in candidates {
            guard isFree(devices[candidate], way), fits(devices[candidate], way, claim) else {
                undo(to: before)
                return false
            }
            put(devices[candidate], way, claim)
        }
        if satisfy(claim, request + 1) { return true }
        undo(to: before)
        return false
    }

    private mutating func take(
        _ count: Int, of candidates: [Int], from first: Int, _ way: DeviceNeed.Way, _ claim: Int, _ request: Int
    ) -> Bool {
        guard count > 0 else { return satisfy(claim, request + 1) }
        let isEnough = candidates.count - first >= count || candidates[first...].contains { devices[$0].isShared }
        guard isEnough else { return false }
        for index in first..<candidates.count {
            steps += 1
            guard steps <= Self.bound else { return false }
            let device = devices[candidates[index]]
            guard isFree(device, way), fits(device, way, claim) else { continue }
            let before = picks.count
            put(device, way, claim)
            // Of a device that can be shared the next share may be taken too.
            let next = device.isShared && !way.isAdministrative ? index : index + 1
            if take(count - 1, of: candidates, from: next, way, claim, request) { return true }
            undo(to: before)
        }
        return false
    }

    private mutating func put(_ device: DeviceFacts, _ way: DeviceNeed.Way, _ claim: Int) {
        var pick = Pick(claim: claim, way: way, device: device)
        if !way.isAdministrative {
            if !isUsed(device) { for (counter, amount) in device.consumes { counters[counter, default: .zero] -= amount } }
            if device.isShared {
                let portions = device.portions(for: way.capacity) ?? [:]
                pick.portions = portions
                own.add(portions, of: device.id, share: String(picks.count))
            } else {
                own.add(device.id)
            }
        }
        picks.append(pick)
    }

    private mutating func undo(to count: Int) {
        while picks.count > count {
            let pick = picks.removeLast()
            guard !pick.way.isAdministrative else { continue }
            if pick.device.isShared {
                own.removeShare(String(picks.count), of: pick.device.id)
            } else {
                own.remove(pick.device.id)
            }
            guard !isUsed(pick.device) else { continue }
            for (counter, amount) in pick.device.consumes { counters[counter, default: .zero] += amount }
        }
    }

    private func isUsed(_ device: DeviceFacts) -> Bool { taken.isUsed(device.id) || own.isUsed(device.id) }

    private func isFree(_ device: DeviceFacts, _ way: DeviceNeed.Way) -> Bool {
        if way.isAdministrative { return true }
        if taken.whole.contains(device.id) || own.whole.contains(device.id) { return false }
        if device.isShared, !hasRoom(device, way) { return false }
        guard isUsed(device) else {
            // A counter that nobody publishes has nothing to give.
            return device.consumes.allSatisfy { counter, amount in counters[counter].map { $0 >= amount } ?? false }
        }
        return device.isShared
    }

    /// Whether what others and we have of a device leaves a share of it.
    private func hasRoom(_ device: DeviceFacts, _ way: DeviceNeed.Way) -> Bool {
        guard let portions = device.portions(for: way.capacity) else { return false }
        let (others, ours) = (taken.used(of: device.id), own.used(of: device.id))
        return portions.allSatisfy { name, portion in
            let used = (others[name] ?? .zero) + (ours[name] ?? .zero)
            return device.capacity[name].map { used + portion <= $0.amount } ?? false
        }
    }

    /// Whether the device agrees with, or differs from, those that were picked for the same claim.
    private func fits(_ device: DeviceFacts, _ way: DeviceNeed.Way, _ claim: Int) -> Bool {
        for constraint in needs[claim].constraints where constraint.isAbout(way) {
            guard let value = device.attributes[constraint.attribute] else { return false }
            for pick in picks where pick.claim == claim && constraint.isAbout(pick.way) {
                if (pick.device.attributes[constraint.attribute] == value) == constraint.mustDiffer { return false }
            }
        }
        return true
    }

    /// The devices that suit a way, free or not.
    private mutating func candidates(_ way: DeviceNeed.Way, _ claim: Int) -> [Int] {
        let key = "\(claim) \(way.name)"
        if let known = suiting[key] { return known }
        let found = devices.indices.filter { index in
            let device = devices[index]
            for taint in device.taints where taint.isHard {
                guard way.tolerations.contains(where: { $0.tolerates(taint) }) else { return false }
            }
            // What a whole device gives is all of it.
            let isEnough = way.capacity.isEmpty || device.portions(for: way.capacity) != nil
            return isEnough && way.selectors.allSatisfy { Self.holds($0, device) }
        }
        suiting[key] = found
        return found
    }

    /// An expression that fails does not hold.
    private static func holds(_ selector: CELProgram, _ device: DeviceFacts) -> Bool {
        var budget = CELBudget()
        return (try? selector.evaluate(["device": device.object], budget: &budget))?.bool ?? false
    }
}
