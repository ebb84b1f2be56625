import Glibc
import Host
import HostTestSupport
import Testing

@testable import Runtime

@Suite struct AbandonedSocketsTests {
    @Test func `sockets of shims go on which nobody listens at two looks`() throws {
        let folder = "/tmp/k3s-sockets-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        defer { try? Files.remove(folder) }
        let names = "abc".map { String(repeating: "0", count: 63) + String($0) }
        let descriptors = try names.map { try TestSocket.bind("\(folder)/\($0)") }
        close(try TestSocket.bind(folder + "/mine"))
        listen(descriptors[0], 1)
        defer { for descriptor in descriptors { close(descriptor) } }
        let sockets = AbandonedSockets(folder: folder)
        #expect(sockets.find() == [names[1], names[2]])
        // Its process begins to listen between the looks.
        listen(descriptors[2], 1)
        #expect(sockets.remove(Set(names)) == [names[1]])
        #expect(try Files.list(folder).sorted() == [names[0], names[2], "mine"])
        // What was not found before may be somebody's who has just begun.
        close(try TestSocket.bind("\(folder)/\(names[1])"))
        #expect(sockets.remove([]) == [])
        #expect(sockets.find() == [names[1]])
        #expect(AbandonedSockets(folder: folder + "/none").find() == [])
    }
}
