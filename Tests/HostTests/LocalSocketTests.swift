import Glibc
import Host
import HostTestSupport
import Support
import Testing

@Suite struct LocalSocketTests {
    @Test func `a socket is abandoned when nobody listens, and nothing else is`() throws {
        let folder = "/tmp/k3s-socket-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        defer { try? Files.remove(folder) }
        let heard = try TestSocket.bind(folder + "/heard")
        let (full, unheard) = (try TestSocket.bind(folder + "/full"), try TestSocket.bind(folder + "/un"))
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
