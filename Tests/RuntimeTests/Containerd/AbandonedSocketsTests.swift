import Glibc
import Host
import Testing

@testable import Runtime

@Suite struct AbandonedSocketsTests {
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

    @Test func `sockets of shims go on which nobody listens at two looks`() throws {
        let folder = "/tmp/k3s-sockets-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        defer { try? Files.remove(folder) }
        let names = "abc".map { String(repeating: "0", count: 63) + String($0) }
        let descriptors = try names.map { try bound("\(folder)/\($0)") }
        close(try bound(folder + "/mine"))
        listen(descriptors[0], 1)
        defer { for descriptor in descriptors { close(descriptor) } }
        let sockets = AbandonedSockets(folder: folder)
        #expect(sockets.find() == [names[1], names[2]])
        // Its process begins to listen between the looks.
        listen(descriptors[2], 1)
        #expect(sockets.remove(Set(names)) == [names[1]])
        #expect(try Files.list(folder).sorted() == [names[0], names[2], "mine"])
        // What was not found before may be somebody's who has just begun.
        close(try bound("\(folder)/\(names[1])"))
        #expect(sockets.remove([]) == [])
        #expect(sockets.find() == [names[1]])
        #expect(AbandonedSockets(folder: folder + "/none").find() == [])
    }
}
