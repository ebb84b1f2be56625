import CLinux
import Glibc
public import Support

/// The changes of interfaces, addresses and routes in one namespace, as the kernel tells them; nothing is
/// polled.
///
/// They wait in the kernel until they are asked for. When too many wait, some are lost, and ``Change/lost``
/// says so: read everything again. One task iterates at a time.
public final class NetworkChanges: AsyncSequence, Sendable {
    public enum Change: Hashable, Sendable {
        /// New, or changed in any way.
        case link(Link)
        case linkGone(Link)
        case address(InterfaceAddress)
        case addressGone(InterfaceAddress)
        case route(Route)
        case routeGone(Route)
        /// Some changes before this were dropped.
        case lost
    }

    private let socket: Descriptor

    /// From now on, of this namespace or of the calling thread's.
    public init(in namespace: NetworkNamespace? = nil) throws(Fault) {
        let open = { @Sendable () throws(Fault) -> Descriptor in
            try trying("cannot listen to changes of the network") { () throws(Errno) in
                try NetlinkSocket.open(
                    NETLINK_ROUTE,
                    groups: [
                        RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                        RTNLGRP_IPV6_ROUTE,
                    ].map(\.rawValue))
            }
        }
        socket = if let namespace { try namespace.perform(open) } else { try open() }
    }

    public func makeAsyncIterator() -> Iterator { Iterator(socket: socket) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let socket: Descriptor
        private var pending: [Change] = []

        fileprivate init(socket: Descriptor) { self.socket = socket }

        /// The next change; `nil` once the task is cancelled.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(Fault) -> Change? {
            while pending.isEmpty {
                switch await EventThread.shared.readable(socket) {
                case .cancelled: return nil
                case .failed(let error): throw Fault(error, "cannot wait for changes of the network")
                case .readable: pending = try NetworkChanges.read(socket).reversed()
                }
            }
            return pending.popLast()
        }
    }

    private static func read(_ socket: Descriptor) throws(Fault) -> [Change] {
        do throws(Errno) {
            let bytes = try socket.receive(upTo: 64 << 10, flags: Int32(MSG_DONTWAIT))
            return NetlinkMessage.all(in: bytes).compactMap(decode)
        } catch Errno(ENOBUFS) {
            return [.lost]
        } catch Errno(EAGAIN) {
            return []
        } catch {
            throw Fault(error, "cannot read changes of the network")
        }
    }

    static func decode(_ message: NetlinkMessage) -> Change? {
        switch Int(message.type) {
        case RTM_NEWLINK: Link(message).map(Change.link)
        case RTM_DELLINK: Link(message).map(Change.linkGone)
        case RTM_NEWADDR: InterfaceAddress(message).map(Change.address)
        case RTM_DELADDR: InterfaceAddress(message).map(Change.addressGone)
        case RTM_NEWROUTE: Route(message).map(Change.route)
        case RTM_DELROUTE: Route(message).map(Change.routeGone)
        default: nil
        }
    }
}
