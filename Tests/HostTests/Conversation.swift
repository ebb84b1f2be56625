import Glibc
import Support
import Testing

@testable import Host

/// Real packets between namespaces: a server that says its name, and clients that ask it over TCP or UDP.
enum Conversation {
    enum Transport: Sendable { case tcp, udp }

    /// A socket in `namespace` that is bound to `address`.
    static func server(
        in namespace: NetworkNamespace, at address: String, port: UInt16, _ transport: Transport = .tcp
    ) throws -> Descriptor {
        try namespace.run {
            let socket = try makeSocket(transport)
            try withSocketAddress(address, port) { pointer, size in
                try system { bind(socket.number, pointer, size) }
            }
            if transport == .tcp { try system { listen(socket.number, 16) } }
            return socket
        }
    }

    /// What the server that is reached answers; `nil` when nobody does in time.
    /// The first packet of a new cable may be lost while the kernel switches it on, so `patience`
    /// (milliseconds) is longer than TCP waits before it repeats itself.
    static func ask(
        from namespace: NetworkNamespace, _ address: String, port: UInt16, _ transport: Transport = .tcp,
        source: UInt16 = 0, patience: Int = 5000
    ) throws -> String? {
        try namespace.run {
            let socket = try makeSocket(transport)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                try socket.set(
                    SOL_SOCKET, option, timeval(tv_sec: patience / 1000, tv_usec: patience % 1000 * 1000))
            }
            if source != 0 {
                try withSocketAddress("0.0.0.0", source) { pointer, size in
                    try system { bind(socket.number, pointer, size) }
                }
            }
            do {
                try withSocketAddress(address, port) { pointer, size in
                    try system { connect(socket.number, pointer, size) }
                }
                try socket.write(Array("?".utf8))
                return String(decoding: try socket.read(upTo: 100), as: UTF8.self)
            } catch let error as Errno
                where [EAGAIN, EINPROGRESS, ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH].contains(error.number)
            {
                return nil
            }
        }
    }

    /// Serves until the socket is shut down: each question is answered with the name and who asked.
    static func serve(_ name: String, on socket: Descriptor, _ transport: Transport = .tcp) {
        startThread(stackSize: 256 << 10) {
            var peer = sockaddr_in()
            while true {
                var size = socklen_t(MemoryLayout<sockaddr_in>.size)
                var buffer = [UInt8](repeating: 0, count: 16)
                let result = withUnsafeMutablePointer(to: &peer) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                        transport == .tcp
                            ? Int(accept(socket.number, peer, &size))
                            : recvfrom(socket.number, &buffer, 16, 0, peer, &size)
                    }
                }
                if result < 0 { return }
                let source = IPAddress.v4(UInt32(bigEndian: peer.sin_addr.s_addr))
                let answer = Array("\(name) \(source)".utf8)
                if transport == .tcp {
                    let connection = Descriptor(owning: Int32(result))
                    _ = try? connection.read(upTo: 16)
                    try? connection.write(answer)
                } else {
                    _ = withUnsafePointer(to: &peer) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            sendto(socket.number, answer, answer.count, 0, $0, size)
                        }
                    }
                }
            }
        }
    }

    /// One server, one question, the server's name in the answer.
    static func expect(
        _ name: String, from client: NetworkNamespace, to server: NetworkNamespace, at address: String,
        port: UInt16
    ) async throws {
        let socket = try Self.server(in: server, at: address, port: port)
        serve(name, on: socket)
        defer { shutdown(socket.number, Int32(SHUT_RDWR)) }
        #expect(try ask(from: client, address, port: port)?.hasPrefix(name + " ") == true)
    }

    private static func makeSocket(_ transport: Transport) throws -> Descriptor {
        let type =
            Int32((transport == .tcp ? SOCK_STREAM : SOCK_DGRAM).rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(owning: try system { Glibc.socket(AF_INET, type, 0) })
        try socket.set(SOL_SOCKET, SO_REUSEADDR, Int32(1))
        return socket
    }

    private static func withSocketAddress(
        _ text: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Void
    ) throws {
        guard case .v4(let number) = try address(text) else { throw Fault(.invalid, "IPv4 only") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = number.bigEndian
        try withUnsafePointer(to: &address) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
