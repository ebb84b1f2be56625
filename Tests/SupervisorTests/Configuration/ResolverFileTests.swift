import Host
import Support
import Testing

@testable import Supervisor

@Suite struct ResolverFileTests {
    @Test(arguments: [
        ("nameserver 192.0.2.1\n", true), ("nameserver 192.0.2.1\nnameserver 2001:db8::1\n", true),
        ("", false), ("search example.org\n", false),
        ("nameserver 127.0.0.53\n", false), ("nameserver 192.0.2.1\nnameserver ::1\n", false),
        ("nameserver 169.254.169.254\n", true), ("nameserver 169.254.1.1\n", false), ("nameserver x\n", false),
    ]) func `pods are served by servers that they can reach`(_ text: String, _ isServed: Bool) {
        #expect(ResolverFile.servesPods(text) == isServed)
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/k3s-resolver-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        defer { try? Files.remove(folder) }
        try body(folder)
    }

    @Test func `the first file that serves pods is taken, and the asked one before all`() throws {
        try withFolder { folder in
            let candidates = ["missing", "stub", "good", "other"].map { folder + "/" + $0 }
            try Files.write("nameserver 127.0.0.53\n", to: candidates[1])
            try Files.write("nameserver 192.0.2.1\n", to: candidates[2])
            try Files.write("nameserver 192.0.2.2\n", to: candidates[3])
            let own = folder + "/own"
            #expect(try ResolverFile.choose(asked: nil, among: candidates, below: own) == candidates[2])
            #expect(try ResolverFile.choose(asked: "/asked", among: candidates, below: own) == "/asked")
            #expect(try ResolverFile.choose(asked: "/asked", below: own) == "/asked")
            #expect(!Files.exists(own))
        }
    }

    @Test func `where no file serves pods one is written`() throws {
        try withFolder { folder in
            let own = folder + "/own"
            let chosen = try ResolverFile.choose(asked: nil, among: [folder + "/missing"], below: own)
            #expect(chosen == own + "/resolv.conf")
            #expect(try Files.readText(chosen) == ResolverFile.fallback)
            #expect(try Files.status(of: chosen).mode == 0o644)
            #expect(try Files.status(of: own).mode == 0o700)
            #expect(ResolverFile.servesPods(ResolverFile.fallback))
        }
    }
}
