import CLinux
import Glibc
public import Support

/// The connections of one network namespace (ctnetlink). Not `Sendable`: make one where it is needed.
public final class Conntrack {
    private let socket: NetlinkSocket

    /// Of this namespace, or of the calling thread's.
    public init(in namespace: NetworkNamespace? = nil) throws(Fault) {
        socket = try NetlinkSocket(protocol: NETLINK_NETFILTER, in: namespace)
    }

    // conntrack -L
    /// All connections of a family that have ports. The kernel hands out the whole table for this.
    public func connections(_ family: IPAddress.Family) throws(Fault) -> [Connection] {
        do throws(NetlinkError) {
            let type = Int(netfilterType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET.code))
            return try socket.dump(type) {
                $0.append(structure: NetfilterHeader(family: family.number, resource: 0))
            }.compactMap(Connection.init)
        } catch {
            throw Fault(error, "cannot list the tracked connections")
        }
    }

    // conntrack -D
    /// Forgets a connection, so that its next packet is looked at as the first of a new one. One that is gone
    /// is no fault.
    public func delete(_ connection: Connection) throws(Fault) {
        do throws(NetlinkError) {
            let type = Int(netfilterType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE.code))
            try socket.change(type) { writer in
                let family = connection.original.source.family
                writer.append(structure: NetfilterHeader(family: family.number, resource: 0))
                writer.nest(CTA_TUPLE_ORIG) {
                    connection.original.write(to: &$0, transport: connection.transport)
                }
            }
        } catch {
            guard error.errno != Errno(ENOENT) else { return }
            throw Fault(error, "cannot forget the connection to \(connection.original.destination)")
        }
    }

    /// Forgets every connection of a family that `isStale` says, and returns how many there were. For UDP
    /// this is needed when an endpoint goes: a client that keeps its port would be sent there as long as it
    /// keeps sending.
    @discardableResult
    public func delete(
        _ family: IPAddress.Family, where isStale: (Connection) -> Bool
    ) throws(Fault) -> Int {
        let stale = try connections(family).filter(isStale)
        for connection in stale { try delete(connection) }
        return stale.count
    }
}
