import Glibc
import Host
import Support
import Testing

@Suite struct LocalSocketTests {
    /// A socket of this name, bound and nothing else.
    private func bound(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        return descriptor
    }

    @Test func `a socket is abandoned when nobody listens, and nothing else is`() throws {
        let folder = "/tmp/k3s-socket-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        defer { try? Files.remove(folder) }
        let (heard, full, unheard) = (try bound(folder + "/heard"), try bound(folder + "/full"), try bound(folder + "/un"))
        listen(heard, 8)
        listen(full, 0)
        defer { for descriptor in [heard, full] { close(descriptor) } }
        // Nobody listens yet, and then nobody at all.
        #expect(try LocalSocket.isAbandoned(folder + "/un"))
        close(unheard)
        #expect(try LocalSocket.isAbandoned(folder + "/un"))
        // More than wait for their turn.
        for _ in 0..<8 {
            #expect(try !LocalSocket.isAbandoned(folder + "/heard"))
            #expect(try !LocalSocket.isAbandoned(folder + "/full"))
        }
        try Files.write("text", to: folder + "/file")
        try Files.makeSymbolicLink(at: folder + "/link", to: folder + "/un")
        for name in ["file", "link", "none", "none/at/all"] { #expect(try !LocalSocket.isAbandoned("\(folder)/\(name)")) }
        #expect(throws: Fault.self) { try LocalSocket.isAbandoned(folder + "/" + String(repeating: "x", count: 108)) }
    }
}
