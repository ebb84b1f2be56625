import CLinux
import Glibc
import Support

@testable import Host

/// Real packets between namespaces: servers that say their name, and clients that ask them.
enum Conversation {
    enum Transport: Sendable { case tcp, udp }

    enum Answer: Hashable, Sendable {
        /// What the server said.
        case from(String)
        case refused
        case silence
    }

    /// Serves in a namespace until the socket is shut down: each question is answered with the name and with
    /// who asked.
    static func serve(
        _ name: String, in namespace: NetworkNamespace, port: UInt16, _ transport: Transport = .tcp
    ) throws -> Descriptor {
        let socket = try namespace.run {
            let socket = try makeSocket(transport)
            try withSocketAddress("0.0.0.0", port) { pointer, size in
                try system { bind(socket.number, pointer, size) }
            }
            if transport == .tcp { try system { listen(socket.number, 64) } }
            return socket
        }
        startThread(stackSize: 256 << 10) { serve(name, on: socket, transport) }
        return socket
    }

    private static func serve(_ name: String, on socket: Descriptor, _ transport: Transport) {
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
            // A datagram socket that is shut down reads nothing, without an error.
            if result <= 0 && (transport == .tcp || result < 0 || buffer[0] == 0) { return }
            let answer = Array("\(name) \(IPAddress.v4(UInt32(bigEndian: peer.sin_addr.s_addr)))".utf8)
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

    /// What comes of one question. `patience` is in milliseconds.
    static func ask(
        from namespace: NetworkNamespace, _ address: String, port: UInt16, _ transport: Transport = .tcp,
        source: UInt16 = 0, patience: Int = 5000
    ) throws -> Answer {
        try namespace.run {
            let socket = try makeSocket(transport)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                try socket.set(
                    SOL_SOCKET, option, timeval(tv_sec: patience / 1000, tv_usec: patience % 1000 * 1000))
            }
            do {
                if source != 0 {
                    try withSocketAddress("0.0.0.0", source) { pointer, size in
                        try system { bind(socket.number, pointer, size) }
                    }
                }
                try withSocketAddress(address, port) { pointer, size in
                    try system { connect(socket.number, pointer, size) }
                }
                try socket.write(Array("?".utf8))
                return .from(String(decoding: try socket.read(upTo: 100), as: UTF8.self))
            } catch let error as Errno where error.number == ECONNREFUSED {
                return .refused
            } catch let error as Errno
                where [EAGAIN, EINPROGRESS, ETIMEDOUT, EHOSTUNREACH].contains(error.number)
            {
                // "Unreachable" is what the node says of an address that no rule leads anywhere.
                return .silence
            }
        }
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
        guard case .v4(let number) = IPAddress(text) else { throw Fault(.invalid, "IPv4 only") }
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

extension NetworkNamespace {
    /// Runs a test's body inside the namespace, whatever it throws.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        try perform { () throws(Fault) -> Result<Value, any Error> in Result(catching: body) }.get()
    }

    /// Runs a program inside the namespace and returns what it printed.
    func output(of program: String, _ arguments: String...) async throws -> String {
        let own = "/proc/\(getpid())/fd/\(descriptor.number)"
        let result = try await Command("nsenter", ["--net=\(own)", program] + arguments).run()
        guard result.status.isSuccess else { throw Fault(.failed, "\(program): \(result.errorText)") }
        return result.text
    }
}
