import Host
import Support
import Testing

@testable import Runtime

@Suite struct AbandonedNamespacesTests {
    @Test func `only names of containerd's making count`() {
        let name = "cni-01234567-89ab-cdef-0123-456789abcdef"
        #expect(AbandonedNamespaces.isContainerds(name))
        for other in [
            "blue", "cni-", "cni-blue", "netns-01234567-89ab-cdef-0123-456789abcdef", name + "0", name.uppercased(),
            "cni-0123456-789ab-cdef-0123-456789abcdef", "cni-g1234567-89ab-cdef-0123-456789abcdef", "x" + name,
        ] {
            #expect(!AbandonedNamespaces.isContainerds(other), "\(other)")
        }
    }

    @Test func `a file that has not become a namespace goes, one that a process is in stays`() throws {
        let folder = "/tmp/k3s-netns-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        defer { try? Files.remove(folder) }
        let names = (1...2).map { "cni-0000000\($0)-89ab-cdef-0123-456789abcdef" }
        try Files.write([], to: folder + "/" + names[0])
        // This very process is in it.
        try Files.makeSymbolicLink(at: folder + "/" + names[1], to: "/proc/self/ns/net")
        try Files.write([], to: folder + "/mine")
        let namespaces = AbandonedNamespaces(folder: folder)
        #expect(namespaces.find() == [names[0]])
        // What was not found before may be somebody's who has just begun.
        #expect(namespaces.remove([names[1]]) == [])
        #expect(namespaces.remove(Set(names)) == [names[0]])
        #expect(try Files.list(folder).sorted() == [names[1], "mine"])
        #expect(AbandonedNamespaces(folder: folder + "/none").find() == [])
    }
}
