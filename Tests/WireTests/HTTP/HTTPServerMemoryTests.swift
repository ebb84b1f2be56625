import Glibc
import Support
import Testing

@testable import Wire

/// What idle connections cost. Alone in its process the figure means something:
/// `MEASURE=1 swift test --filter HTTPServerMemoryTests` opens ten thousand of each kind and says what each takes.
@Suite(.serialized, .timeLimit(.minutes(15))) struct HTTPServerMemoryTests {
    private static let isMeasured = getenv("MEASURE") != nil
    /// A process may have 20,000 files open where this was written, two for each connection.
    private static let connections = isMeasured ? 9_900 : 200

    @Test(arguments: [(false, 10_000), (true, 60_000)])
    func `idle connections take little, and others are served beside them`(isSecure: Bool, most: Int) async throws {
        let identity =
            isSecure
            ? try TLSIdentity(certificatePEM: TestCertificates.server, keyPEM: TestCertificates.serverKey) : nil
        let tls =
            isSecure
            ? try TLSClientIdentity(authoritiesPEM: TestCertificates.authority, serverName: "localhost") : nil
        // So many take longer to open than one is kept.
        var limits = HTTPServerLimits()
        limits.idleTimeout = .seconds(600)
        try await withServer(certificates: identity, limits: limits) { _, exchange in
            exchange.respond(.ok, ["Content-Type": "text/plain"], Array("hello".utf8))
        } _: { _, address in
            // What is made once is made before.
            for socket in try (0..<50).map({ _ in try IdleClient.connect(address, tls: tls) }) { close(socket) }
            let before = Self.residentBytes()
            var sockets: [Int32] = []
            defer { for socket in sockets { close(socket) } }
            for _ in 0..<Self.connections { sockets.append(try IdleClient.connect(address, tls: tls)) }
            let each = (Self.residentBytes() - before) / Self.connections
            close(try IdleClient.connect(address, tls: tls))
            guard Self.isMeasured else { return }
            #expect(each < most)
            Issue.record("\(Self.connections) connections, TLS \(isSecure): \(each) bytes each", severity: .warning)
        }
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
