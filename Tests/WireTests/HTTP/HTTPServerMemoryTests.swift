import Glibc
import Support
import Testing

@testable import Wire

/// What idle connections cost. Alone in its process the figure means something, so that it is asked for:
/// `MEASURE=1 swift test --filter HTTPServerMemoryTests`.
@Suite(.serialized, .enabled(if: getenv("MEASURE") != nil), .timeLimit(.minutes(5))) struct HTTPServerMemoryTests {
    private static let connections = 5000
    private static let request = Array("GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: idle\r\n\r\n".utf8)

    @Test func `ten thousand idle connections fit into a hundred megabytes`() async throws {
        try await withServer { _, exchange in
            exchange.respond(.ok, ["Content-Type": "text/plain"], Array("hello".utf8))
        } _: { _, address in
            // What is made once is made before.
            for socket in try (0..<100).map({ _ in try Self.connect(address) }) { close(socket) }
            let before = Self.residentBytes()
            let sockets = try (0..<Self.connections).map { _ in try Self.connect(address) }
            defer { for socket in sockets { close(socket) } }
            let each = (Self.residentBytes() - before) / Self.connections
            #expect(each < 10_000, "bytes for each connection: \(each)")
        }
    }

    /// Connects and has one request answered: a connection that has not worked yet is cheaper.
    private static func connect(_ address: HTTPAddress) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var peer = sockaddr_in()
        peer.sin_family = sa_family_t(AF_INET)
        peer.sin_port = in_port_t(address.port).bigEndian
        peer.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(descriptor >= 0 && connected == 0, "\(String(cString: strerror(errno)))")
        try #require(write(descriptor, request, request.count) == request.count)
        var answer = [UInt8](repeating: 0, count: 1024)
        try #require(read(descriptor, &answer, answer.count) > 0)
        return descriptor
    }

    private static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { return 0 }
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * Int(getpagesize())
    }
}
