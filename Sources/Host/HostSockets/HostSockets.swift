import CLinux
import Glibc
public import Support

/// Hands sockets of one network namespace to a process in another, which may then listen there as if it were
/// its own: a socket belongs for ever to the namespace in which it was made.
///
/// The two processes have the ends of a connection of messages. A request names a port and brings the end of
/// a connection of its own, on which the socket, or the reason why there is none, comes back: so nobody waits
/// for another's answer, and there is nothing to remember on either side.
public enum HostSockets {
    /// A connection for a process that lends and one that borrows.
    public static func pair() throws(Fault) -> (lender: Descriptor, borrower: Descriptor) {
        try trying("cannot make a pair of sockets") { () throws(Errno) in
            var ends: [Int32] = [0, 0]
            try system { linux_message_pair(&ends) }
            return (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
        }
    }

    // MARK: Lending

    /// Makes the sockets that are asked for until the borrower is gone or the task is cancelled.
    public static func lend(over connection: Descriptor) async throws(Fault) {
        while case .readable = await EventThread.shared.readable(connection) {
            let message: Message
            do throws(Errno) { message = try receive(from: connection) } catch Errno(EAGAIN) {
                continue
            } catch {
                throw Fault(error, "cannot read which port is wanted")
            }
            // An empty message is the end.
            guard !message.text.isEmpty else { return }
            // Who names no answer, or is gone before it, needs none.
            guard let answer = message.descriptor else { continue }
            _ = try? reply(to: message.text, on: answer)
        }
    }

    private static func reply(to request: String, on answer: Descriptor) throws(Errno) {
        guard let port = LentPort(request) else { return try send("\(EINVAL)", on: answer) }
        let socket: Descriptor
        do throws(Errno) { socket = try port.listen() } catch {
            return try send("\(error.number)", on: answer)
        }
        try send("0", with: socket, on: answer)
    }

    // MARK: Borrowing

    /// A socket that listens on this port of the lender's namespace, or receives there. Fails with `conflict`
    /// when somebody else has the port, `denied` when it may not be taken, `invalid` when the address is not
    /// the machine's.
    public static func borrow(_ port: LentPort, over connection: Descriptor) async throws(Fault) -> Descriptor
    {
        let mine = try ask(for: port, over: connection)
        guard case .readable = await EventThread.shared.readable(mine) else {
            throw Fault(
                .unavailable, "waiting for port \(port.port) of the host was cancelled",
                cause: CancellationError())
        }
        let answer = try trying("cannot read the answer") { () throws(Errno) in try receive(from: mine) }
        if let socket = answer.descriptor { return socket }
        guard let number = Int32(answer.text), number != 0 else {
            throw Fault(.unavailable, "nobody makes sockets of the host any more")
        }
        throw refusal(Errno(number), port)
    }

    /// The other end is the lender's alone when this returns.
    private static func ask(for port: LentPort, over connection: Descriptor) throws(Fault) -> Descriptor {
        let (mine, theirs) = try pair()
        try trying("nobody makes sockets of the host") { () throws(Errno) in
            try send(port.description, with: theirs, on: connection)
        }
        return mine
    }

    private static func refusal(_ why: Errno, _ port: LentPort) -> Fault {
        let place = "\(port.address):\(port.port)"
        switch why.number {
        case EADDRINUSE:
            return Fault(
                .conflict, "the address \(place) is already in use on the host",
                remedy: "stop the program that listens there (ss -lntup shows it), or choose another port",
                cause: why)
        case EADDRNOTAVAIL:
            return Fault(
                .invalid, "the address \(place) does not belong to this host",
                remedy: "choose one of its own addresses",
                cause: why)
        default: return Fault(why, "cannot listen on \(place) of the host")
        }
    }

    // MARK: Messages

    struct Message {
        var text: String
        var descriptor: Descriptor?
    }

    static func send(_ text: String, with descriptor: Descriptor? = nil, on connection: Descriptor)
        throws(Errno)
    {
        let bytes = Array(text.utf8)
        try system { linux_send_descriptor(connection.number, bytes, bytes.count, descriptor?.number ?? -1) }
    }

    static func receive(from connection: Descriptor) throws(Errno) -> Message {
        var bytes = [UInt8](repeating: 0, count: 256)
        var (descriptor, count) = (Int32(-1), Int32(0))
        let length = try system {
            linux_receive_descriptors(connection.number, &bytes, bytes.count, &descriptor, 1, &count)
        }
        let text = String(decoding: bytes.prefix(length), as: UTF8.self)
        return Message(text: text, descriptor: count == 1 ? Descriptor(owning: descriptor) : nil)
    }
}

extension LentPort {
    /// Takes the port in the namespace of the calling thread.
    fileprivate func listen() throws(Errno) -> Descriptor {
        let kind = Int32(transport == .tcp ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue)
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let family = address.family == .v4 ? AF_INET : AF_INET6
        let socket = Descriptor(owning: try system { Glibc.socket(family, kind | flags, 0) })
        if transport == .tcp { try socket.set(SOL_SOCKET, SO_REUSEADDR, Int32(1)) }
        switch address.family {
        case .v4:
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            withUnsafeMutableBytes(of: &name.sin_addr) { $0.copyBytes(from: address.bytes) }
            try bind(socket, name)
        case .v6:
            // The other family has a socket of its own.
            try socket.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, Int32(1))
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &name.sin6_addr) { $0.copyBytes(from: address.bytes) }
            try bind(socket, name)
        }
        if transport == .tcp { try system { Glibc.listen(socket.number, 4096) } }
        return socket
    }

    private func bind<Name>(_ socket: Descriptor, _ name: Name) throws(Errno) {
        try system {
            withUnsafePointer(to: name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.bind(socket.number, $0, socklen_t(MemoryLayout<Name>.size))
                }
            }
        }
    }
}
