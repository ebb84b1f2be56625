import CLinux
import Glibc
import Support

/// A conversation with the kernel: one request at a time, answered before the call returns.
///
/// Blocking is right here: the kernel answers within the system call that asks, or a dump piece by piece as
/// it is read. Not `Sendable`: each owner has its own, and a socket costs next to nothing.
final class NetlinkSocket {
    let descriptor: Descriptor
    private var sequence: UInt32 = 0

    /// Dumps that change while they are read are begun again, so often at most.
    private static let dumpAttempts = 8
    /// The kernel fills at most 32 KiB at once.
    private static let receiveSize = 64 << 10

    /// `protocol` is `NETLINK_ROUTE` or another; the socket belongs to `namespace`, or to the calling
    /// thread's.
    init(protocol number: Int32, in namespace: NetworkNamespace?) throws(Fault) {
        let open = { @Sendable () throws(Fault) -> Descriptor in
            try trying("cannot open a netlink socket") { () throws(Errno) in try Self.open(number, groups: [])
            }
        }
        descriptor = if let namespace { try namespace.perform(open) } else { try open() }
    }

    /// A bound socket with the kernel's explanations switched on; a member of the multicast groups.
    static func open(_ number: Int32, groups: [UInt32]) throws(Errno) -> Descriptor {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(owning: try system { Glibc.socket(AF_NETLINK, type, number) })
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        let size = socklen_t(MemoryLayout<sockaddr_nl>.size)
        try system {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket.number, $0, size) }
            }
        }
        // Old kernels know none of these, and answer with less.
        for option in [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK] {
            try? socket.set(SOL_NETLINK, Int32(option), Int32(1))
        }
        for group in groups { try socket.set(SOL_NETLINK, Int32(NETLINK_ADD_MEMBERSHIP), group) }
        // The kernel always answers; should it not, a fault is better than a thread that hangs.
        try socket.set(SOL_SOCKET, SO_RCVTIMEO, timeval(tv_sec: 10, tv_usec: 0))
        return socket
    }

    /// Asks for a change and waits for its acknowledgement.
    func change(
        _ type: some NetlinkKey, flags: Int32 = 0, _ body: (inout NetlinkWriter) -> Void
    ) throws(NetlinkError) {
        let sequence = try send(type, flags: NLM_F_REQUEST | NLM_F_ACK | flags, body)
        while true {
            for message in try receive() where message.sequence == sequence {
                if let error = message.error, message.type == UInt16(NLMSG_ERROR) { throw error }
                if message.type == UInt16(NLMSG_ERROR) { return }
            }
        }
    }

    /// Asks for one thing; the first message that answers.
    func ask(_ type: some NetlinkKey, _ body: (inout NetlinkWriter) -> Void) throws(NetlinkError)
        -> NetlinkMessage
    {
        let sequence = try send(type, flags: NLM_F_REQUEST, body)
        while true {
            for message in try receive() where message.sequence == sequence {
                guard message.type == UInt16(NLMSG_ERROR) else { return message }
                throw message.error ?? NetlinkError(errno: Errno(ENOMSG))
            }
        }
    }

    /// Asks for all things of a kind.
    func dump(_ type: some NetlinkKey, _ body: (inout NetlinkWriter) -> Void) throws(NetlinkError)
        -> [NetlinkMessage]
    {
        for _ in 0..<Self.dumpAttempts {
            if let messages = try dumpOnce(type, body) { return messages }
        }
        throw NetlinkError(errno: Errno(EAGAIN), explanation: "it changes faster than it can be read")
    }

    /// `nil` when something changed meanwhile, so that the parts do not belong together.
    private func dumpOnce(
        _ type: some NetlinkKey, _ body: (inout NetlinkWriter) -> Void
    ) throws(NetlinkError) -> [NetlinkMessage]? {
        let sequence = try send(type, flags: NLM_F_REQUEST | NLM_F_DUMP, body)
        var (messages, isTorn) = ([NetlinkMessage](), false)
        while true {
            for message in try receive() where message.sequence == sequence {
                isTorn = isTorn || message.flags & UInt16(NLM_F_DUMP_INTR) != 0
                switch Int32(message.type) {
                case NLMSG_DONE, NLMSG_ERROR:
                    if let error = message.error { throw error }
                    return isTorn ? nil : messages
                default:
                    messages.append(message)
                }
            }
        }
    }

    private func send(
        _ type: some NetlinkKey, flags: Int32, _ body: (inout NetlinkWriter) -> Void
    ) throws(NetlinkError) -> UInt32 {
        sequence &+= 1
        var writer = NetlinkWriter()
        writer.message(type, flags: flags, sequence: sequence, body)
        try send(writer.bytes)
        return sequence
    }

    /// Sends bytes that hold one or more messages, as one datagram.
    func send(_ bytes: [UInt8]) throws(NetlinkError) {
        do throws(Errno) {
            try system {
                bytes.withUnsafeBytes { Glibc.send(descriptor.number, $0.baseAddress, $0.count, 0) }
            }
        } catch {
            throw NetlinkError(errno: error)
        }
    }

    /// One datagram's messages; waits for it unless told otherwise.
    func receive(flags: Int32 = 0) throws(NetlinkError) -> [NetlinkMessage] {
        do throws(Errno) {
            return NetlinkMessage.all(in: try descriptor.receive(upTo: Self.receiveSize, flags: flags))
        } catch Errno(EAGAIN) where flags == 0 {
            throw NetlinkError(errno: Errno(ETIMEDOUT))
        } catch {
            throw NetlinkError(errno: error)
        }
    }
}

extension Descriptor {
    /// One datagram; a longer one than `limit` is an error (`EMSGSIZE`), never silently cut.
    func receive(upTo limit: Int, flags: Int32) throws(Errno) -> [UInt8] {
        var length = 0
        var failure: Errno?
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            do throws(Errno) {
                length = try system {
                    recv(number, buffer.baseAddress, limit, flags | Int32(MSG_TRUNC))
                }
                count = min(length, limit)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        guard length <= limit else { throw Errno(EMSGSIZE) }
        return bytes
    }

    /// `setsockopt`.
    func set<Value: BitwiseCopyable>(_ level: Int32, _ option: Int32, _ value: Value) throws(Errno) {
        try system {
            withUnsafeBytes(of: value) {
                setsockopt(number, level, option, $0.baseAddress, socklen_t($0.count))
            }
        }
    }
}
