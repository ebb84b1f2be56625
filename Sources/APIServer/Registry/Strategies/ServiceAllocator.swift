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
        case exhausted
    }

    private struct State {
        var addresses: Set<IPAddress> = []
        var ports: Set<PortKey> = []
    }

    /// TCP and UDP may use the same node port for one service.
    struct PortKey: Hashable, Sendable {
        var port: Int
        var networkProtocol: String
    }

    let cidr: IPPrefix
    let ports: ClosedRange<Int>
    private let randomness: Randomness
    private let state = Mutex(State())

    init(cidr: IPPrefix, ports: ClosedRange<Int>, randomness: Randomness = .system) {
        self.cidr = cidr
        self.ports = ports
        self.randomness = randomness
    }

    /// Takes this address.
    func take(_ address: IPAddress) throws(Refusal) {
        guard cidr.contains(address), address != cidr.first, address != cidr.last else { throw .outOfRange }
        guard state.withLock({ $0.addresses.insert(address).inserted }) else { throw .taken }
    }

    /// Takes any address. Dynamic addresses come from the upper part of the range first, so that the lower part stays
    /// free for those that people choose (KEP-3070).
    func takeAddress() throws(Refusal) -> IPAddress {
        let size = UInt64(1) << UInt64(min(cidr.family.bitCount - cidr.length, 16))
        guard size > 2 else { throw .exhausted }
        let reserved = min(max(16, size / 16), 256) < size - 1 ? min(max(16, size / 16), 256) : 1
        var random = randomness
        let address = state.withLock { state -> IPAddress? in
            for range in [reserved..<(size - 1), 1..<reserved] where !range.isEmpty {
                let start = UInt64.random(in: range, using: &random)
                for step in 0..<UInt64(range.count) {
                    let offset = range.lowerBound + (start - range.lowerBound + step) % UInt64(range.count)
                    guard let candidate = cidr.first.advanced(by: offset) else { continue }
                    if state.addresses.insert(candidate).inserted { return candidate }
                }
            }
            return nil
        }
        guard let address else { throw .exhausted }
        return address
    }

    /// Takes this node port.
    func take(_ port: PortKey) throws(Refusal) {
        guard ports.contains(port.port) else { throw .outOfRange }
        guard state.withLock({ $0.ports.insert(port).inserted }) else { throw .taken }
    }

    /// Takes any node port.
    func takePort(_ networkProtocol: String) throws(Refusal) -> Int {
        let ports = ports
        var random = randomness
        let port = state.withLock { state -> Int? in
            let start = Int.random(in: ports, using: &random)
            for step in 0..<ports.count {
                let port = ports.lowerBound + (start - ports.lowerBound + step) % ports.count
                // A number in use with one protocol is not given out for the other, as in Kubernetes.
                let isUsed = ["TCP", "UDP", "SCTP"].contains {
                    state.ports.contains(PortKey(port: port, networkProtocol: $0))
                }
                if !isUsed {
                    state.ports.insert(PortKey(port: port, networkProtocol: networkProtocol))
                    return port
                }
            }
            return nil
        }
        guard let port else { throw .exhausted }
        return port
    }

    func release(addresses: some Collection<IPAddress>, ports: some Collection<PortKey>) {
        state.withLock { state in
            state.addresses.subtract(addresses)
            state.ports.subtract(ports)
        }
    }
}
