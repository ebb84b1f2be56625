import Support
import Synchronization

/// Hands out cluster IPs and node ports, each to one service.
///
/// What is taken follows from the services themselves: it is filled from them at start, so no second record can
/// disagree. Random choice keeps an address that was just freed from being met by clients that still remember it.
final class ServiceAllocator: Sendable {
    enum Refusal: Error, Hashable {
        case taken
        case outOfRange
        /// In this range, and not for services.
        case reserved(IPPrefix)
        case exhausted
    }

    private struct State {
        var addresses: Set<IPAddress> = []
        /// Each is one service's, whatever protocols it uses it with.
        var ports: Set<Int> = []
    }

    let ports: ClosedRange<Int>
    private let ranges: ServiceRangeObjects
    private let randomness: Randomness
    private let state = Mutex(State())

    init(_ ranges: ServiceRangeObjects, ports: ClosedRange<Int>, randomness: Randomness = .system) {
        self.ranges = ranges
        self.ports = ports
        self.randomness = randomness
    }

    /// What all ranges of the cluster are of.
    var family: IPAddress.Family { ranges.configured.family }

    /// Takes this address.
    func take(_ address: IPAddress) throws(Refusal) {
        guard let range = ranges.present.first(where: { $0.contains(address) }) else { throw .outOfRange }
        guard address != range.first, address != range.last else { throw .reserved(range) }
        guard !ranges.isElsewhere(address), state.withLock({ $0.addresses.insert(address).inserted }) else { throw .taken }
    }

    /// Takes any address, of the first range that has one.
    func takeAddress() throws(Refusal) -> IPAddress {
        for range in ranges.present {
            var refused: Set<IPAddress> = []
            while let address = takeAddress(in: range, but: refused) {
                guard ranges.isElsewhere(address) else { return address }
                refused.insert(address)
                release(addresses: [address], ports: [])
            }
        }
        throw .exhausted
    }

    /// Dynamic addresses come from the upper part of the range first, so that the lower part stays free for those that
    /// people choose (KEP-3070).
    private func takeAddress(in range: IPPrefix, but refused: Set<IPAddress>) -> IPAddress? {
        let size = UInt64(1) << UInt64(min(range.family.bitCount - range.length, 16))
        guard size > 2 else { return nil }
        let reserved = min(max(16, size / 16), 256) < size - 1 ? min(max(16, size / 16), 256) : 1
        var random = randomness
        return state.withLock { state in
            for part in [reserved..<(size - 1), 1..<reserved] where !part.isEmpty {
                let start = UInt64.random(in: part, using: &random)
                for step in 0..<UInt64(part.count) {
                    let offset = part.lowerBound + (start - part.lowerBound + step) % UInt64(part.count)
                    guard let candidate = range.first.advanced(by: offset), !refused.contains(candidate) else { continue }
                    if state.addresses.insert(candidate).inserted { return candidate }
                }
            }
            return nil
        }
    }

    /// Notes what a service has, wherever its address came from.
    func adopt(_ address: IPAddress) { state.withLock { _ = $0.addresses.insert(address) } }

    /// Takes this node port.
    func takePort(_ port: Int) throws(Refusal) {
        guard ports.contains(port) else { throw .outOfRange }
        guard state.withLock({ $0.ports.insert(port).inserted }) else { throw .taken }
    }

    /// Takes any node port.
    func takePort() throws(Refusal) -> Int {
        let ports = ports
        var random = randomness
        let port = state.withLock { state -> Int? in
            let start = Int.random(in: ports, using: &random)
            for step in 0..<ports.count {
                let port = ports.lowerBound + (start - ports.lowerBound + step) % ports.count
                if state.ports.insert(port).inserted { return port }
            }
            return nil
        }
        guard let port else { throw .exhausted }
        return port
    }

    func release(addresses: some Collection<IPAddress>, ports: some Collection<Int>) {
        state.withLock { state in
            state.addresses.subtract(addresses)
            state.ports.subtract(ports)
        }
    }
}
